"""The one kind of task that benchmarks roll out: nothing but files, an instruction and a limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specs.records import Limits, Solution, Step, Task, file_of, sealed


def task_of(
    files: Mapping[str, str], instruction: str, output: str, steps: Sequence[Step], tokens: int = 100_000, number: int = 1
) -> tuple[Task, Solution]:
    """A task with these files that asks for one output, and the solution of these steps; its limits leave room for one more."""
    task = Task(
        id=f"{number:012x}",
        digest="",
        route="persona",
        split="train",
        category="",
        subcategory="",
        operations=(),
        skills=(),
        persona="",
        scenario="",
        domain="",
        difficulty=1,
        chained=False,
        instruction=instruction,
        workspace=tuple(file_of(path, text.encode()) for path, text in files.items()),
        services=(),
        outputs=(output,),
        limits=Limits(steps=len(steps) + 1, seconds=600, tokens=tokens),
    )
    return sealed(task), sealed(Solution(task.id, "", tuple(steps)))
