"""Which sentence of an instruction demands a check: what nobody asked for must not be looked for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specs.records import Check

_ENDS = re.compile(r"\n|(?<=[.!?:])\s+(?=[^\sa-z])")  # a path or a number holds no blank


def sentence(instruction: str, check: Check) -> str:
    """The first sentence that names what the check looks at, or else the folder that this lies in; empty where none does."""
    said = [s.strip() for s in _ENDS.split(instruction) if s.strip()]
    return next((s for place in _places(check) for s in said if place in s), "")


def _places(check: Check) -> Iterator[str]:
    """Files and folders that the check looks at, then the folders around them; each by its path."""
    params = check.params
    named = [
        params.get("path"),
        params.get("tests"),
        params.get("module"),
        params.get("under"),
        *(f["path"] for f in params.get("expect", [])),
    ]
    places = [p.strip("/") for p in named if isinstance(p, str) and p.strip("/")]
    yield from places
    for place in places:
        parts = place.split("/")
        yield from ("/".join(parts[:n]) for n in range(len(parts) - 1, 0, -1))
