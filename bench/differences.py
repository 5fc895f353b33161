"""What an agent left behind, beside what it was given: a difference a path, line by line where both are text.

The names, the contents and how much there is of both are an agent's: what is shown and what comparing may cost are bounded.
"""

from __future__ import annotations

import difflib
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile

from bench.texts import Clip, clip
from specs.hostile import text_of
from specs.records import Change, File

CONTEXT = 3  # lines around what differs
MOST_LINES = 400  # of one difference
MOST_CHARS = 1_000  # of one line
MOST_COMPARED = 400_000  # characters, old and new together; more is not compared
MOST_PAIRS = 1_000_000  # of lines, old with new, that all the differences of one rollout may compare
MOST_WITH_CONTENT = 60
MOST_NAMED = 400
NO_END = "no line end at the end of the file"


@dataclass(frozen=True)
class Line:
    """A line of a comparison. `kind`: same | old | new | place (where the next lines stand) | note."""

    kind: str
    text: str


@dataclass(frozen=True)
class Difference:
    """What became of one path.

    `state`: added | changed | moved | removed; `was` and `now` are sizes in bytes, None where there was or is no file.
    `text` holds the content of an added file; `lines` the comparison of a changed one, `lost` counts those not shown.
    """

    path: str
    state: str
    was: int | None
    now: int | None
    note: str = ""
    text: Clip | None = None
    lines: tuple[Line, ...] = ()
    lost: int = 0


@dataclass(frozen=True)
class Left:
    """All differences of a rollout: files, the other paths (folders, links ...), and how many of both are only counted."""

    files: tuple[Difference, ...]
    others: tuple[tuple[str, str], ...]  # path, what it is
    lost: int


def left(given: Iterable[File], changes: Sequence[Change], bound: int) -> Left:
    """The differences that the changes make to the files given. No text is longer than `bound` characters."""
    before = {file.path: file for file in given}
    moved = _moves(before, changes)
    gone = {source.path for source in moved.values()}
    files: list[Difference] = []
    others: list[tuple[str, str]] = []
    comparing = _Comparing()
    for change in changes:
        if change.path in gone:
            continue
        old = before.get(change.path)
        if change.type not in ("file", "deleted") or (change.type == "deleted" and old is None):
            others.append((change.path, _other(change, old)))
        elif len(files) < MOST_NAMED:
            whole = len(files) < MOST_WITH_CONTENT
            files.append(_of_file(change, old, moved.get(change.path), comparing, bound if whole else 0))
        else:
            others.append((change.path, "also differs"))
    return Left(tuple(files), tuple(others[:MOST_NAMED]), len(others[MOST_NAMED:]))


def _moves(before: dict[str, File], changes: Sequence[Change]) -> dict[str, File]:
    """New paths whose content is that of a file which is gone, each with that file."""
    gone: dict[str, list[File]] = {}
    for change in changes:
        if change.type == "deleted" and change.path in before and before[change.path].content:
            gone.setdefault(before[change.path].digest, []).append(before[change.path])
    found = {}
    for change in changes:
        if change.type == "file" and change.path not in before and gone.get(change.digest):
            found[change.path] = gone[change.digest].pop(0)
    return found


def _other(change: Change, old: File | None) -> str:
    kind = {"directory": "folder", "symlink": "link", "deleted": "folder, removed"}.get(change.type, "neither file nor folder")
    target = f" to {(change.content or b'').decode('utf-8', 'replace')[:MOST_CHARS]}" if change.type == "symlink" else ""
    return f"{kind}{target}{', in place of the file' if old else ''}"


def _of_file(change: Change, old: File | None, source: File | None, comparing: _Comparing, bound: int) -> Difference:
    """`bound` 0: sizes only."""
    was = len(old.content) if old else None
    if change.type == "deleted":
        return Difference(change.path, "removed", was, None)
    if source is not None:
        return Difference(change.path, "moved", len(source.content), change.size, f"from {source.path}")
    new_text, old_text = text_of(change.content or b""), text_of(old.content if old else b"")
    note = "; ".join(part for part in (_mode(change, old), _unshown(change, old, new_text, old_text, bound)) if part)
    found = Difference(change.path, "changed" if old else "added", was, change.size, note)
    if change.content is None or not bound or new_text is None or old_text is None:
        return found
    if old is None or _too_long(new_text, old_text):
        return replace(found, text=clip(new_text, bound))
    lines = comparing.lines(old_text, new_text)
    return replace(found, lines=tuple(islice(lines, MOST_LINES)), lost=sum(1 for _ in lines))


def _mode(change: Change, old: File | None) -> str:
    if old is None or stat.S_IMODE(old.mode) == stat.S_IMODE(change.mode):
        return ""
    return f"mode {stat.S_IMODE(old.mode):o}, now {stat.S_IMODE(change.mode):o}"


def _unshown(change: Change, old: File | None, new_text: str | None, old_text: str | None, bound: int) -> str:
    """Why the contents can't be shown, or not beside each other; empty where they can."""
    if change.content is None:
        return "too large: its content was not kept"
    if not bound:
        return "not shown: too many files differ"
    if new_text is None or old_text is None:
        return "not text"
    if old and _too_long(new_text, old_text):
        return "too long to compare: as it is now"
    return "" if new_text else "empty"


def _too_long(new_text: str, old_text: str) -> bool:
    return len(old_text) + len(new_text) > MOST_COMPARED


class _Comparing:
    """Compares texts by lines as long as its means last; after that what differs stands as all old and all new."""

    def __init__(self) -> None:
        self._left = MOST_PAIRS

    def lines(self, old: str, new: str) -> Iterator[Line]:
        """The lines of a unified difference."""
        a, b = _split(old), _split(new)
        start = _alike(a, b)
        end = _alike(a[start:][::-1], b[start:][::-1])
        first, tail = max(0, start - CONTEXT), max(0, end - CONTEXT)
        a, b = a[first : len(a) - tail], b[first : len(b) - tail]
        for group in self._groups(a, b, start - first, end - tail):
            (_, i, _, j, _), (_, _, i_end, _, j_end) = group[0], group[-1]
            yield Line("place", f"@@ -{first + i + 1},{i_end - i} +{first + j + 1},{j_end - j} @@")
            for tag, i1, i2, j1, j2 in group:
                if tag == "equal":
                    yield from _marked("same", a[i1:i2])
                else:
                    yield from _marked("old", a[i1:i2])
                    yield from _marked("new", b[j1:j2])

    def _groups(self, a: list[str], b: list[str], head: int, tail: int) -> Iterable[list[tuple[str, int, int, int, int]]]:
        """difflib's groups of operations; `head` and `tail` lines of both are known to be the same."""
        cost = len(a) * len(b)
        if cost <= self._left:
            self._left -= cost
            return difflib.SequenceMatcher(None, a, b).get_grouped_opcodes(CONTEXT)
        i, j = len(a) - tail, len(b) - tail
        return [[("equal", 0, head, 0, head), ("replace", head, i, head, j), ("equal", i, len(a), j, len(b))]]


def _alike(a: Iterable[str], b: Iterable[str]) -> int:
    """How many lines both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


def _split(text: str) -> list[str]:
    """The lines with their ends, so that a missing last one makes a difference. Only LF ends a line: a CR is to be seen."""
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _marked(kind: str, lines: Iterable[str]) -> Iterator[Line]:
    for line in lines:
        shown = line.removesuffix("\n")
        more = f" … {len(shown) - MOST_CHARS:,} more characters" if len(shown) > MOST_CHARS else ""
        yield Line(kind, shown[:MOST_CHARS] + more)
        if not line.endswith("\n"):
            yield Line("note", NO_END)
