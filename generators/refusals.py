"""Plans that gave no task, told at the line that asked for them: a dataset is not smaller than its specs without an error.

A workflow is told where none of its tasks came out, nor did a few further draws of it; a scenario or skill where more than a share
of its tasks is lost, or where fewer can be planned than it asks for.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from generators.plan import Plan, identity
from generators.task import Rejected, build
from specs import located
from specs.catalogue import Catalogue
from specs.errors import Problem, UserError

Told = Sequence[tuple[Plan, str]]  # each plan, and why it was rejected or an empty text
Group = tuple[str, str, tuple[str, ...]]  # scenario, workflow, the operations of it that are asked for
FEW_DRAWS = 3  # draws that must all fail before a workflow counts as impossible
FEW_LOST = 2  # tasks of an owner; one alone may be bad luck


def check(specs: Catalogue, told: Told, scale: float, section: dict[str, Any]) -> None:
    """Raise UserError for what is missing. `section` is params.yaml's `compile` (seed, rejected_share), `scale` the one planned with."""
    found = [*short(specs, (plan for plan, _ in told), scale), *rejected(specs, told, section["seed"], section["rejected_share"])]
    if found:
        raise UserError(found)


def short(specs: Catalogue, planned: Iterable[Plan], scale: float) -> Iterator[Problem]:
    """Owners with fewer plans than they ask for."""
    counts = Counter((plan.route, plan.owner) for plan in planned)
    asked = [("persona", s.name, s.path, int(s["tasks"])) for s in specs.scenarios.values()]
    asked += [("skill", s.name, f"{s.path}/operations.yaml", s.tasks) for s in specs.skills.values()]
    for route, name, path, tasks in asked:
        wanted, there = round(tasks * scale), counts[route, name]
        if there < wanted:
            hint = "nobody of its circles and split may ask for the rest" if route == "persona" else "no workflow that somebody may ask for"
            yield located.load(Path(path)).problem(("tasks",), f"asks for {wanted} tasks, and {there} can be planned", hint)


def rejected(specs: Catalogue, told: Told, seed: int, share: float) -> Iterator[Problem]:
    """The workflows whose rejections are more than bad luck, each with its smallest example."""
    lost = [(plan, why) for plan, why in told if why]
    tasks, gone = (Counter((p.route, p.owner) for p, _ in part) for part in (told, lost))
    over = {owner for owner, n in gone.items() if n >= FEW_LOST and n / tasks[owner] > share}
    groups: dict[Group, list[tuple[Plan, str]]] = defaultdict(list)
    for plan, why in lost:
        groups[_group(plan)].append((plan, why))
    counts = Counter(_group(plan) for plan, _ in told)
    for group, members in sorted(groups.items()):
        none = len(members) == counts[group] and not _comes_out(specs, members[0][0], seed, FEW_DRAWS - len(members))
        owners = sorted({(p.route, p.owner) for p, _ in members} & over)
        if none or owners:
            many = f"{gone[owners[0]]} of {tasks[owners[0]]} tasks of {owners[0][1]} are rejected" if owners else ""
            yield _problem(specs, group, members, counts[group], seed, "" if none else many)


def _group(plan: Plan) -> Group:
    return plan.scenario, plan.workflow, plan.operations


def _comes_out(specs: Catalogue, plan: Plan, seed: int, draws: int) -> bool:
    """Whether any of some further draws of the plan, which no dataset has, gives a task."""
    others = (dataclasses.replace(plan, id=identity("further", plan.id, n)) for n in range(draws))
    return any(not isinstance(build(specs, other, seed, {}), Rejected) for other in others)


def _problem(specs: Catalogue, group: Group, members: list[tuple[Plan, str]], planned: int, seed: int, many: str) -> Problem:
    scenario, workflow, operations = group
    plan, why = min(members, key=lambda member: (len(member[0].operations), member[0].id))
    steps: located.Steps = ("workflows", workflow)
    whole = specs.scenarios[scenario]["workflows"][workflow]
    part = "" if list(operations) == list(whole) else f" for {', '.join(operations)}"
    what = f"{len(members)} of {planned} tasks{part} come to nothing" + (f"; {many}" if many else "")
    hint = f"for example task {plan.id} (seed {seed}, asked by {plan.persona}): {why}"
    return located.load(Path(specs.scenarios[scenario].path)).problem(steps, what, hint, key=True)
