"""Inputs cut to half, and the answer that fits them: what somebody leaves who makes the work smaller and then does it well."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Iterable

from sandbox.box import OpenBox
from sandbox.changes import apply_changes, difference, tree_of
from specs import digests
from specs.records import Change, File, Solution, Task, file_of
from verifiers import pieces, playing
from verifiers.snapshot import SKILLS

EVERY = 4  # the solution runs once more for one task in so many: that is what an audit spends most of its time on
_LINES = ("txt", "log")


def halved(file: File) -> File:
    """The file with the first half of its rows; as it is where its rows can't be told."""
    form = file.path.rpartition(".")[2]
    if form in _LINES:
        lines = file.content.splitlines(keepends=True)
        return file_of(file.path, b"".join(lines[: (len(lines) + 1) // 2]), file.mode)
    if file.content.startswith(b"SQLite format 3\0"):
        return file_of(file.path, _less_rows(file.content), file.mode)
    cut = pieces.cut(form, file.content)
    return file_of(file.path, cut.joined(cut.rows[: (len(cut.rows) + 1) // 2]), file.mode) if cut and len(cut.rows) > 1 else file


def _less_rows(content: bytes) -> bytes:
    """A database with the first half of each table's rows."""
    base = sqlite3.connect(":memory:")
    try:
        base.deserialize(content)
        for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            table = '"' + name.replace('"', '""') + '"'
            base.execute(f"DELETE FROM {table} WHERE rowid > (SELECT (max(rowid) + 1) / 2 FROM {table})")
        base.commit()
        return bytes(base.serialize())
    except sqlite3.Error:
        return content
    finally:
        base.close()


def chosen(task: Task) -> bool:
    """Whether the task is one of those whose solution runs over tampered inputs, by the hash of its id."""
    return int(digests.digest(["tampered", task.id])[:8], 16) % EVERY == 0


def fitted(task: Task, solution: Solution, outcome: Iterable[Change], open_box: OpenBox) -> tuple[Change, ...] | None:
    """The solution's outcome over halved inputs, with these inputs, as changes of the true workspace.

    None where nothing can be halved, a step did not end cleanly, an answer is missing, or all of them are right all the same.
    Raises BoxError where the machinery fails.
    """
    cut = tuple(f if f.path.startswith(SKILLS) else halved(f) for f in task.workspace)
    if cut == task.workspace:
        return None
    tampered = dataclasses.replace(task, workspace=cut)
    try:
        clean, left = playing.played(tampered, playing.working(solution.steps), open_box)
    except playing.Capped:
        return None
    if not clean:
        return None
    right = {c.path: c for c in outcome}
    got = {c.path: c for c in left}
    if set(right) != set(got) or all(_alike(right[p], got[p]) for p in right):
        return None
    return difference(tree_of(task.workspace), apply_changes(tampered.workspace, left))


def _alike(one: Change, other: Change) -> bool:
    """Whether two files are the same but for the order of their lines, which may be left open."""
    if one.digest == other.digest or None in (one.content, other.content):
        return one.digest == other.digest and one.type == other.type
    return sorted((one.content or b"").splitlines()) == sorted((other.content or b"").splitlines())
