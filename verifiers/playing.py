"""A solution played in a box, call by call, as an agent makes them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sandbox import tools
from sandbox.box import BoxLimit, OpenBox
from specs.records import Change, Step, Task
from verifiers.warm import Warm

_WRITES = re.compile(
    r"makedirs|\bopen\([^)]*['\"][wax]|shutil|\b(?:mkdir|mv|cp|rm|touch|tee|sed)\b|[^2]>|\.save\(|\.rename\(|\.unlink\(|\.write|\.commit\("
)
_UNCLEAN = re.compile(r"\Aerror: |^\[exit status |^\[stopped after ", re.MULTILINE)


class Capped(Exception):
    """A solution ran into a cap of its box; the message says which."""


def working(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps that may change something, by the look of them: looking around costs time and changes nothing."""
    return (s for s in steps if s.tool in ("write", "edit") or (s.tool == "exec" and _WRITES.search(s.arguments.get("command", ""))))


def left(task: Task, steps: Iterable[Step], open_box: OpenBox) -> tuple[Change, ...]:
    """What these calls leave behind in the task's workspace. Raises Capped, and BoxError where the machinery fails."""
    return played(task, steps, open_box)[1]


def played(task: Task, steps: Iterable[Step], open_box: OpenBox) -> tuple[bool, tuple[Change, ...]]:
    """Whether each call ended cleanly, and what they leave behind. Raises as `left` does."""
    with open_box(task.workspace, services=task.services) as box:
        try:
            clean = [_cleanly(box, list(row)) for _, row in itertools.groupby((s for s in steps if s.tool), lambda s: s.tool)]
            return all(clean), tuple(box.snapshot())
        except BoxLimit as limit:
            raise Capped(f"the solution runs into a cap of the box: {limit.which}") from None


def _cleanly(box: Any, steps: Sequence[Step]) -> bool:
    """Make calls of one tool; a warm box takes commands all at once."""
    if isinstance(box, Warm) and steps[0].tool == "exec":
        results = box.exec_all([tools.told(s.arguments) for s in steps])
        if killed := next((r.killed for r in results if r.killed), ""):
            raise BoxLimit(killed, f"a command used up the box's {killed}")
        return all(r.status == 0 for r in results)
    return all([not _UNCLEAN.search(tools.call(box, s.tool, s.arguments)) for s in steps])
