"""Which sentence of an instruction demands a check: what nobody asked for must not be looked for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specs.records import Check

_ENDS = re.compile(r"\n|(?<=[.!?:])\s+(?=[^\sa-z])")  # a path or a number holds no blank


def sentence(instruction: str, check: Check) -> str:
    """The first sentence that names a file or folder which the check looks at; empty where none does."""
    said = [s.strip() for s in _ENDS.split(instruction) if s.strip()]
    return next((s for place in _places(check) for s in said if _names(s, place)), "")


def _places(check: Check) -> Iterator[str]:
    """The paths that the check looks at: an artifact's, a module's, a folder's, those of files that are to be somewhere."""
    params = check.params
    for path in (params.get("path"), params.get("tests"), params.get("module"), params.get("under"), *_expected(check)):
        if isinstance(path, str) and path.strip("/"):
            yield path.strip("/")


def _expected(check: Check) -> list[str]:
    return [file["path"] for file in check.params.get("expect", [])]


def _names(said: str, place: str) -> bool:
    """Whether the words hold the path as a whole, and not as part of another path or of a word."""
    return bool(re.search(rf"(?<![\w./-]){re.escape(place)}(?:/(?![\w.-])|(?![\w/-]|\.\w))", said))
