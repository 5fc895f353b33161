"""Wrong answers that can be made for any task, from its inputs and what its solution leaves behind: no verifier may accept one."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from specs import digests
from specs.records import Change, Check, File, Task, Verifier, change_of
from verifiers import slips
from verifiers.snapshot import Unreadable, inputs

COPIES = 4  # inputs that are tried in the answer's place
EACH = 6  # answers of a task that are spoiled one by one
OUTSIDE = "/etc/hostname"
JUNK = ("empty", "echo", "stub", "concatenated")  # answers of somebody who did no work at all
TAMPERED = ("inputs-emptied", "inputs-shortened", "all-emptied", "protected-tampered", "tampered-fitted")
_NUMBER = re.compile(rb"(?<![\w.])[0-9]+(?:\.[0-9]+)?(?![\w.])")


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
        yield from _rewritten(task, verifier, changes)
        yield from _copied(task, changes, answers)
        yield from _misplaced(task, changes, answers)
        yield from _linked(task, changes, answers[:EACH])
        yield from _slipped(task, verifier, changes)
    yield from _tampered(task, verifier, changes)


def _with(changes: tuple[Change, ...], content: Callable[[Change], bytes]) -> tuple[Change, ...]:
    """The outcome with other bytes in each file that it writes."""
    return tuple(change_of(c.path, content(c), c.mode) if c.type == "file" else c for c in changes)


def _instead(changes: tuple[Change, ...], path: str, *others: Change) -> tuple[Change, ...]:
    """The outcome with other changes in place of the one at a path."""
    return (*(c for c in changes if c.path != path), *others)


def _rewritten(task: Task, verifier: Verifier, changes: tuple[Change, ...]) -> Iterator[Mutant]:
    checks = {slips.asked(check): check for check in verifier.checks}
    yield Mutant("empty", _with(changes, lambda c: b""))
    yield Mutant("echo", _with(changes, lambda c: task.instruction.encode()))
    yield Mutant("junk", _with(changes, lambda c: hashlib.sha512(c.path.encode()).digest() * 4))
    yield Mutant("truncated", _with(changes, lambda c: (c.content or b"")[: len(c.content or b"") // 2]))
    yield Mutant("stub", _with(changes, lambda c: slips.stub(checks[c.path], c.content or b"") if c.path in checks else b""))
    answers = [c for c in changes if c.type == "file" and c.content]
    for answer in answers[:EACH] if len(answers) > 1 else []:
        yield Mutant("one-emptied", _instead(changes, answer.path, change_of(answer.path, b"", answer.mode)))


def _copied(task: Task, changes: tuple[Change, ...], answers: list[Change]) -> Iterator[Mutant]:
    """Inputs in the place of the answers, one and all of them.

    Where the answer is a file that was moved, one input is its content by right, and what is wrong is to leave it where it was too.
    """
    given = inputs(task)
    if len(given) > 1:
        whole = b"\n".join(f.content for f in given)
        yield Mutant("concatenated", _with(changes, lambda c: whole))
    contents = {f.digest for f in given}
    if any(c.digest in contents for c in answers):
        for change in [c for c in changes if c.type == "deleted"][:EACH]:
            yield Mutant("moved-and-kept", _instead(changes, change.path))
        return
    for file in given[:COPIES]:
        yield Mutant("input-copied", _with(changes, functools.partial(_content, file)))


def _content(file: File, _: Change) -> bytes:
    return file.content


def _misplaced(task: Task, changes: tuple[Change, ...], answers: list[Change]) -> Iterator[Mutant]:
    yield Mutant("wrong-path", tuple(dataclasses.replace(c, path=_beside(c.path)) if c.type == "file" else c for c in changes))
    for answer in answers:
        if answer.path in task.outputs:
            yield Mutant("left-out", _instead(changes, answer.path))


def _beside(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}copy-of-{name}"


def _linked(task: Task, changes: tuple[Change, ...], answers: list[Change]) -> Iterator[Mutant]:
    """A symlink in an answer's place: to the right answer beside it, to an input, to a file outside."""
    given = inputs(task)
    for answer in answers:
        beside = dataclasses.replace(answer, path=_beside(answer.path))
        yield Mutant("symlink-beside", _instead(changes, answer.path, _link(answer.path, posixpath.basename(beside.path)), beside))
        if given:
            to = posixpath.relpath(given[0].path, posixpath.dirname(answer.path) or ".")
            yield Mutant("symlink-input", _instead(changes, answer.path, _link(answer.path, to)))
        yield Mutant("symlink-outside", _instead(changes, answer.path, _link(answer.path, OUTSIDE)))


def _link(path: str, target: str) -> Change:
    content = target.encode()
    return Change(path, "symlink", 0o777, len(content), digests.of_bytes(content), content)


def _slipped(task: Task, verifier: Verifier, changes: tuple[Change, ...]) -> Iterator[Mutant]:
    """Each artifact with one small slip, all others right; a message with every number of the workspace."""
    written = {c.path: c for c in changes if c.type == "file" and c.content}
    numbers = sorted({n.decode() for f in inputs(task) for n in _NUMBER.findall(f.content)})
    for check in verifier.checks:
        right = written.get(slips.asked(check))
        if right is None or right.content is None:
            continue
        for kind, data in _of_artifact(task, check, right.content, numbers):
            if data != right.content:
                yield Mutant(kind, _instead(changes, right.path, change_of(right.path, data, right.mode)))


def _of_artifact(task: Task, check: Check, data: bytes, numbers: list[str]) -> Iterator[tuple[str, bytes]]:
    try:
        yield from slips.slips(check, data, int(digests.digest([task.id, check.id])[:8], 16))
    except Unreadable:  # what is no right answer has no slips: the solution's own score says so
        return
    if check.kind == "message" and (listed := slips.numbered(check.params, data, numbers)):
        yield "every-number", listed


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
            yield Mutant("protected-tampered", _instead(changes, change.path, change))


def _less_a_line(content: bytes) -> bytes:
    """Without the line in the middle."""
    lines = content.splitlines(keepends=True)
    return b"".join(lines[: len(lines) // 2] + lines[len(lines) // 2 + 1 :])
