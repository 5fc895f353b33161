"""What would mend a mistake: the nearest known word, or the known words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MOST = 14


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like this one, or empty."""
    by_lower = {k.lower(): k for k in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""


def among(word: str, known: Iterable[str]) -> str:
    """`did you mean 'csv'?`, or the known words where none is near and they are few."""
    options = list(known)
    near = nearest(word, options)
    if near:
        return f"did you mean '{near}'?"
    if not options:
        return "there is none"
    return f"known: {', '.join(options)}" if len(options) <= MOST else ""


def part(text: str, whole: str) -> str:
    """`there is 'AND x'`: the part of the whole text that is most like this one, where one is near."""
    size = len(text.split())
    words = whole.split()
    parts = [" ".join(words[i : i + size]) for i in range(max(1, len(words) - size + 1))]
    found = difflib.get_close_matches(text, parts, n=1, cutoff=0.6)
    return f"there is '{found[0]}'" if found else ""
