"""What the scripted policies do: a policy maps (task, solution, turn) to the assistant's next message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from specs.records import Solution, Task


@dataclass(frozen=True)
class Play:
    """One assistant message; `tool` is empty for the closing answer."""

    says: str
    tool: str = ""
    arguments: Any = None


Policy = Callable[[Task, Solution | None, int], Play]


def teacher(task: Task, solution: Solution | None, turn: int) -> Play:
    """The reference solution, one step a message."""
    if solution is None:
        raise LookupError(f"task {task.id} has no solution")
    if turn >= len(solution.steps):
        return Play("Done.")
    step = solution.steps[turn]
    return Play(step.says, step.tool, step.arguments)


def echo(task: Task, solution: Solution | None, turn: int) -> Play:
    """An agent that parrots: the instruction written into each file asked for."""
    if turn >= len(task.outputs):
        return Play("Done.")
    return Play("", "write", {"path": task.outputs[turn], "content": task.instruction})


def untouched(task: Task, solution: Solution | None, turn: int) -> Play:
    """An agent that claims and does nothing."""
    return Play("Done.")


POLICIES: dict[str, Policy] = {"teacher": teacher, "echo": echo, "untouched": untouched}
