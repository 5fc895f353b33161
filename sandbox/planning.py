"""Which rollouts there are to be: the selected tasks, read as they are needed, and an agent's attempts at them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.agents import Agent
from sandbox.box import Caps, Sandbox
from sandbox.episodes import Attempt
from sandbox.harnesses import BUILTIN, Harness
from specs import layout, shards
from specs.errors import Problem, UserError
from specs.records import Task


def selected(split: str, subset: bool, path: Path = layout.SELECTION) -> list[str]:
    """Ids of the tasks to take: the split's, or with `subset` those of the bench that model agents take.

    Raises UserError where the selection is missing or has no such list.
    """
    name = "models" if subset and split == "bench" else split
    chosen = json.loads(layout.present(path).read_text(encoding="utf-8"))
    if name not in chosen:
        raise UserError([Problem(path.as_posix(), 1, 1, "", f"no list '{name}'", f"there are {', '.join(sorted(chosen))}")])
    return list(dict.fromkeys(chosen[name]))


def load(cls: type[Any], root: Path, split: str, ids: Sequence[str]) -> Iterator[Any]:
    """The records of those ids, in order of id, each read when it is asked for. Raises UserError at once for those that are not there."""
    present = {identity for of, identity in shards.listed(root) if of == split}
    lost = [i for i in ids if i not in present]
    if lost:
        kind = cls.__name__.lower()
        what = f"{layout.SELECTION.as_posix()} names {len(lost)} {split} tasks that have no {kind} here, the first is {lost[0]}"
        raise UserError([Problem(root.as_posix(), 1, 1, "", what, "run the compile and select stages again")])
    return shards.read(root, cls, split, ids)


def plan(agent: Agent, tasks: Iterable[Task], attempts: int, caps: Caps, sandbox: Sandbox, harness: Harness = BUILTIN) -> Iterator[Attempt]:
    """The rollouts to have, as they are asked for: each task `attempts` times. Where a seed is given, each attempt draws with its own."""
    return (_attempt(agent, task, number, caps, sandbox, harness) for task in tasks for number in range(attempts))


def _attempt(agent: Agent, task: Task, number: int, caps: Caps, sandbox: Sandbox, harness: Harness) -> Attempt:
    sampling = dict(agent.sampling)
    if "seed" in sampling:
        sampling["seed"] += number
    limits = replace(task.limits, steps=agent.steps) if agent.steps else task.limits
    return Attempt(task, agent.name, agent.policy_for(task), sampling, limits, caps, number, sandbox, harness.told)
