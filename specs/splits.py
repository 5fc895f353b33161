"""Which split a persona or scenario belongs to: one of the two, by the hash of its name, so that nothing else moves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specs import digests


def split_of(name: str, value: Mapping[str, Any], share: float) -> str:
    """train or bench: the entry's `split:`, else bench for a `share` (0 to 1) of all names."""
    if "split" in value:
        return str(value["split"])
    return "bench" if int(digests.digest(["split", name])[:8], 16) / 0xFFFFFFFF < share else "train"
