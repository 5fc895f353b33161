"""Looks at what may come from anybody: how deep JSON is nested, whether bytes are a text."""

from __future__ import annotations

from typing import Any


def deeper(value: Any, most: int) -> bool:
    """Whether containers of a JSON value lie in each other more than `most` deep: it is written and read again where the stack may be
    fuller. Itself it needs no stack."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(most):
        parts = (part for outer in level for part in (outer.values() if isinstance(outer, dict) else outer))
        level = [part for part in parts if isinstance(part, dict | list)]
        if not level:
            return False
    return bool(level)


def text_of(content: bytes) -> str | None:
    """The content as text, or None where it is none: not UTF-8, or with a zero byte in it (a database may be UTF-8 by chance)."""
    try:
        return None if b"\0" in content else content.decode("utf-8")
    except UnicodeDecodeError:
        return None
