"""Digests of content: one canonical JSON form, one hash."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from decimal import Decimal
from typing import Any


def of_bytes(data: bytes) -> str:
    """SHA-256 of bytes, as 64 hexadecimal characters."""
    return hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces; bytes stand as their digest.

    Raises TypeError for a value that JSON does not know (a set, an object).
    """
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of a value (dataclasses count as their fields)."""
    return of_bytes(canonical(value).encode())


@functools.cache
def _names(cls: type[Any]) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(cls))


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"sha256": of_bytes(value)}
    if isinstance(value, Decimal):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: getattr(value, name) for name in _names(type(value))}
    raise TypeError(f"no canonical form for {type(value).__name__}")
