"""Wrong answers that can be made for any task, from its inputs and what its solution leaves behind: no verifier may accept one."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from specs.records import Change, File, Task, Verifier, change_of
from verifiers.snapshot import view_of

COPIES = 4  # inputs that are tried in the answer's place


@dataclass(frozen=True)
class Mutant:
    """A wrong outcome: its kind, and its changes against the given workspace."""

    kind: str
    changes: tuple[Change, ...]


def generic(task: Task, verifier: Verifier, outcome: Iterable[Change]) -> Iterator[Mutant]:
    """Mutants of the solution's `outcome`; those that would equal it by construction are not made."""
    changes = tuple(outcome)
    answers = [c for c in changes if c.type == "file"]
    if answers:
        yield from _rewritten(task, changes)
        yield from _copied(task, changes, answers)
        yield from _misplaced(task, changes, answers)
    yield from _tampered(task, verifier, changes)


def _with(changes: tuple[Change, ...], content: Callable[[Change], bytes]) -> tuple[Change, ...]:
    """The outcome with other bytes in each file that it writes."""
    return tuple(change_of(c.path, content(c), c.mode) if c.type == "file" else c for c in changes)


def _rewritten(task: Task, changes: tuple[Change, ...]) -> Iterator[Mutant]:
    yield Mutant("empty", _with(changes, lambda c: b""))
    yield Mutant("echo", _with(changes, lambda c: task.instruction.encode()))
    yield Mutant("junk", _with(changes, lambda c: hashlib.sha512(c.path.encode()).digest() * 4))
    yield Mutant("truncated", _with(changes, lambda c: (c.content or b"")[: len(c.content or b"") // 2]))


def _copied(task: Task, changes: tuple[Change, ...], answers: list[Change]) -> Iterator[Mutant]:
    """Each input in the place of the answers, unless the answer is a file that was moved: then its content is an input's by right."""
    contents = {f.digest for f in task.workspace}
    if any(c.digest in contents for c in answers):
        return
    for file in inputs(task)[:COPIES]:
        yield Mutant("input-copied", _with(changes, functools.partial(_content, file)))


def _content(file: File, _: Change) -> bytes:
    return file.content


def _misplaced(task: Task, changes: tuple[Change, ...], answers: list[Change]) -> Iterator[Mutant]:
    yield Mutant("wrong-path", tuple(dataclasses.replace(c, path=_beside(c.path)) if c.type == "file" else c for c in changes))
    for answer in answers:
        if answer.path in task.outputs:
            yield Mutant("left-out", tuple(c for c in changes if c.path != answer.path))


def _beside(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}copy-of-{name}"


def _tampered(task: Task, verifier: Verifier, changes: tuple[Change, ...]) -> Iterator[Mutant]:
    """Inputs emptied, or less one line: alone, with empty answers, and with the right answers where the input is protected.

    With the right answers, tampering with an input that nobody asked to leave alone is no wrong answer.
    """
    emptied = tuple(change_of(f.path, b"", f.mode) for f in inputs(task) if f.content)
    shortened = tuple(change_of(f.path, short, f.mode) for f in inputs(task) if (short := _less_a_line(f.content)) != f.content)
    yield Mutant("inputs-emptied", emptied)
    yield Mutant("inputs-shortened", shortened)
    written = {c.path for c in changes}
    blank = tuple(c for c in _with(changes, lambda c: b"") if c.type == "file")
    yield Mutant("all-emptied", (*blank, *(c for c in emptied if c.path not in written)))
    protected = {p.path for p in verifier.protected}
    for change in (*emptied, *shortened):
        if change.path in protected:
            yield Mutant("protected-tampered", (*(c for c in changes if c.path != change.path), change))


def inputs(task: Task) -> list[File]:
    """The given files but those of skills."""
    return [f for f in task.workspace if not f.path.startswith(".skills/")]


def _less_a_line(content: bytes) -> bytes:
    """Without the line in the middle."""
    lines = content.splitlines(keepends=True)
    return b"".join(lines[: len(lines) // 2] + lines[len(lines) // 2 + 1 :])


def same_outcome(task: Task, one: Iterable[Change], other: Iterable[Change]) -> bool:
    """Whether two sets of changes leave the same workspace behind, by paths, types and digests of files."""
    return _state(task, one) == _state(task, other)


def _state(task: Task, changes: Iterable[Change]) -> dict[str, tuple[str, str]]:
    return {path: (e.type, e.digest) for path, e in view_of(task, changes).entries.items() if e.type != "directory"}
