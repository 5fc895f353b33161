"""Runs in a process of its own, in a copy of the spec tree that has a draft in it: validates it, accepts it, compiles a few tasks.

What a model wrote is at work here: its SQL in a database that reaches no file, its Jinja in a sandbox, its solutions in a box. A
draft that would have code run in this process is refused. Memory is bounded here, time by bench/drafting/trial.py.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import resource
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import tryout
from bench.aims import Aim, aim
from generators import accept
from generators.demands import Complaint
from generators.task import Rejected
from specs import bindable, catalogue, located, params, validate
from specs.catalogue import Catalogue, Operation
from specs.errors import BoundaryError, Problem, UserError
from specs.store import Store
from specs.yields import PACKAGED

MEMORY = 4 << 30  # bytes of address space
DOMAIN_DRAWS = 16  # of a new domain, for each operation that would apply to it
TASKS = 6


def judge(path: str) -> list[Problem]:
    """All that is wrong with the spec at a path of this tree, by the first of the gates that it does not pass."""
    _, problems = validate.validate(Path())
    refused = list(_executed(path))
    if problems or refused:
        return sorted({*problems, *refused})
    specs, wanted = catalogue.load(), aim(path)
    found: list[Problem] = []
    if wanted.kind == "operations":
        found = list(_skill(specs, wanted))
    elif wanted.kind == "domain":
        found = list(_domain(specs, wanted))
    return found or list(_tasks(specs, wanted))


def _executed(path: str) -> Iterator[Problem]:
    """Operations whose package would be run by the compiler itself."""
    if not path.startswith("skills/"):
        return
    try:
        document, _ = located.read(Path(path))
    except UserError:
        return  # validating has told
    operations = document.value.get("operations") if isinstance(document.value, dict) else None
    for i, operation in enumerate(operations if isinstance(operations, list) else []):
        yields = operation.get("yields") if isinstance(operation, dict) else None
        if isinstance(yields, dict) and yields.get("as") in PACKAGED:
            yield document.problem(
                ("operations", i, "yields", "as"),
                f"a drafted operation may not yield {yields['as']}",
                "its package is for a person to write",
            )


def _skill(specs: Catalogue, wanted: Aim) -> Iterator[Problem]:
    """What the stage `accept` will say of the new operations."""
    section = params.section("accept")
    with contextlib.closing(Store()) as store:
        for operation in specs.skills[wanted.name].operations.values():
            try:
                yield from accept.problems(operation, accept.make(specs, operation, section, store).complaints)
            except BoundaryError as error:
                accept.outcomes({"sound": {"sound.script": b"open('result.json', 'w').write('[]')"}})  # raises where no box is to be had
                yield from accept.problems(operation, [Complaint(("solution",), f"breaks the box that it runs in: {error}")])


def _domain(specs: Catalogue, wanted: Aim) -> Iterator[Problem]:
    """Operations that would apply to the new domain, and whose truth or solution breaks on its rows."""
    domain, section = specs.domains[wanted.name], params.section("accept")
    fit = [o for o in specs.operations() if not bindable.lacking(domain["relations"], o.spec.value)]
    if not fit:
        hint = "its main relation is worth most with a key, a day, a party, a group, a measure and a state"
        yield wanted.problem("no operation can be asked of it", hint, ("relations",))
    for operation in fit:
        plain = _without_demands(operation)
        found = accept.accept(plain, [domain.value], DOMAIN_DRAWS, str(section["seed"]))
        for complaint in found.complaints:
            if complaint.steps[0] in ("solution", "source") or complaint.what.startswith("the truth fails"):
                yield wanted.problem(f"{operation.id} breaks on it: {complaint.what}", "", ("relations",))


def _without_demands(operation: Operation) -> Operation:
    """The operation without its witnesses and mutants, which the rows of one domain more put to no new test."""
    return dataclasses.replace(operation, spec=dataclasses.replace(operation.spec, value={**operation.spec.value, "demands": {}}))


def _tasks(specs: Catalogue, wanted: Aim) -> Iterator[Problem]:
    """Workflows of which no task comes out."""
    section = params.section("compile")
    workflows = len(specs.scenarios[wanted.name]["workflows"]) if wanted.kind == "scenario" else 0
    tried = tryout.trials(specs, wanted, section["seed"], section["bench_share"], workflows + TASKS)
    if not tried:
        yield from tryout.unmade(wanted, tried)
    groups: dict[str, list[tryout.Trial]] = defaultdict(list)
    for trial in tried:
        groups[trial.plan.workflow].append(trial)
    for workflow, trials in sorted(groups.items()):
        reasons = [t.result.reason for t in trials if isinstance(t.result, Rejected)]
        if len(reasons) == len(trials):
            steps: located.Steps | None = ("workflows", workflow) if wanted.kind == "scenario" else None
            operations = ", ".join(trials[0].plan.operations)
            yield wanted.problem(f"no task of {operations} comes out of {len(trials)}", reasons[0], steps)


def main(argv: Sequence[str]) -> int:
    """`python -m bench.drafting.judging PATH`: a JSON object with `problems`, or `boundary` and `message` where the machinery fails."""
    (path,) = argv
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        answer: dict[str, object] = {"problems": [dataclasses.astuple(p) for p in judge(path)]}
    except UserError as error:
        answer = {"problems": [dataclasses.astuple(p) for p in error.problems]}
    except BoundaryError as error:
        answer = {"boundary": error.boundary, "message": str(error)}
    sys.stdout.write(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
