"""A solution played in a box, call by call, as an agent makes them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sandbox import tools
from sandbox.box import BoxLimit
from specs.records import Change, Step, Task
from verifiers.snapshot import OpenBox

_UNCLEAN = re.compile(r"\Aerror: |^\[exit status |^\[stopped after ", re.MULTILINE)


class Capped(Exception):
    """A solution ran into a cap of its box; the message says which."""


def left(task: Task, steps: Iterable[Step], open_box: OpenBox) -> tuple[Change, ...]:
    """What these calls leave behind in the task's workspace. Raises Capped, and BoxError where the machinery fails."""
    return played(task, steps, open_box)[1]


def played(task: Task, steps: Iterable[Step], open_box: OpenBox) -> tuple[bool, tuple[Change, ...]]:
    """Whether each call ended cleanly, and what they leave behind. Raises as `left` does."""
    with open_box(task.workspace, services=task.services) as box:
        try:
            clean = [_cleanly(box, step) for step in steps if step.tool]
            return all(clean), tuple(box.snapshot())
        except BoxLimit as limit:
            raise Capped(f"the solution runs into a cap of the box: {limit.which}") from None


def _cleanly(box: Any, step: Step) -> bool:
    return not _UNCLEAN.search(tools.call(box, step.tool, step.arguments))
