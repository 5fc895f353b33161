"""`make try`: compile and audit a few tasks that use one spec, whatever the quotas say, and show all that they are made of."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench import stand_ins, tryout_page
from bench.aims import Aim, aim
from generators import accept
from generators.plan import Plan, plans
from generators.task import Built, Rejected, build
from sandbox.box import configured_box
from specs import catalogue, digests, errors, params, validate
from specs.catalogue import Catalogue
from specs.errors import Problem, UserError
from specs.located import Steps
from specs.records import Scorecard
from specs.store import Store
from verifiers.audit import audit
from verifiers.cases import Case

TASKS = 3
PLAIN_WIDTH = 130
MOST_PLANS = 36  # that are tried for them
MOST_REJECTED = 12
NOBODY = {
    "persona": "all that is asked in these circles edits in place",
    "template": "no operation in a workflow yields it",
    "noise": "no domain has noise",
}
QUOTAS = (4, 32, 256)  # tasks of each owner, until enough plans use the spec


@dataclass(frozen=True)
class Trial:
    """A plan, and what came of it; `stand_in` says that its story was lent to it."""

    plan: Plan
    result: Built | Rejected
    stand_in: bool


def trials(specs: Catalogue, wanted: Aim, seed: int, share: float, tasks: int = TASKS) -> list[Trial]:
    """Plans that use the spec, compiled until so many tasks come out or enough was tried; rejections are among them."""
    lent = stand_ins.stories(specs, wanted, share)
    everything = dataclasses.replace(specs, scenarios={**specs.scenarios, **lent})
    found: list[Trial] = []
    for plan in itertools.islice(_plans(everything, wanted, lent, share), MOST_PLANS):
        result = build(everything, plan, seed, {})
        if isinstance(result, Rejected) or wanted.used(result.provenance.specs):
            found.append(Trial(plan, result, plan.scenario in lent))
        made = sum(isinstance(t.result, Built) for t in found)
        if made == tasks or len(found) - made == MOST_REJECTED:
            break
    return found


def _plans(specs: Catalogue, wanted: Aim, lent: Collection[str], share: float) -> Iterator[Plan]:
    """Plans that might use the spec: of the lent stories, then one of each workflow in turn."""
    fit: list[Plan] = []
    for quota in QUOTAS:
        fit = [p for p in plans(_with_quotas(specs, wanted, quota), 1.0, share) if wanted.wants(specs, p)]
        if len(fit) >= MOST_PLANS:
            break
    groups: dict[tuple[bool, str, str], list[Plan]] = defaultdict(list)
    for plan in sorted(fit, key=lambda p: (p.route, p.number, p.id)):
        own = plan.scenario not in lent
        groups[own, "" if own else plan.scenario, digests.digest([wanted.name, plan.scenario, plan.workflow])].append(plan)
    turns = itertools.zip_longest(*(groups[key] for key in sorted(groups)))
    yield from (plan for turn in turns for plan in turn if plan)


def _with_quotas(specs: Catalogue, wanted: Aim, quota: int) -> Catalogue:
    """The specs with that quota for each owner whose tasks might use the spec, and none for the others."""
    scenarios = {
        n: dataclasses.replace(s, value={**s.value, "tasks": quota if wanted.near(specs, s) else 0}) for n, s in specs.scenarios.items()
    }
    skills = {
        n: dataclasses.replace(s, tasks=quota if (wanted.kind, wanted.name) == ("operations", n) else 0) for n, s in specs.skills.items()
    }
    return dataclasses.replace(specs, scenarios=scenarios, skills=skills)


def unmade(wanted: Aim, tried: Sequence[Trial]) -> list[Problem]:
    """Why no task could be made, at the spec's lines."""
    if not tried:
        return [wanted.problem("no task can use it", NOBODY.get(wanted.kind, ""))]
    reasons: dict[str, Plan] = {}
    for trial in tried:
        if isinstance(trial.result, Rejected):
            reasons.setdefault(trial.result.reason, trial.plan)
    found = []
    for why, plan in reasons.items():
        steps: Steps | None = ("workflows", plan.workflow) if wanted.kind == "scenario" else None
        found.append(
            wanted.problem(f"none of {len(tried)} tasks comes out", f"for example {plan.id} ({', '.join(plan.operations)}): {why}", steps)
        )
    return found


def audited(built: Built) -> Scorecard:
    """The scorecard of a task that no shard holds."""
    return audit(Case(built.task, built.verifier, built.solution, built.candidates.candidates), configured_box())


def _accepted(specs: Catalogue, wanted: Aim) -> None:
    """Raise UserError where an operation of the skill that is tried is not accepted."""
    section, store = params.section("accept"), Store()
    told: list[Problem] = []
    for operation in specs.skills[wanted.name].operations.values():
        told += accept.problems(operation, accept.make(specs, operation, section, store).complaints)
    store.close()
    if told:
        raise UserError(told)


def main(argv: Sequence[str]) -> int:
    """`python -m bench.tryout SPEC`. Raises UserError for mistakes, where no task comes out, and where one fails its audit."""
    parser = argparse.ArgumentParser(prog="python -m bench.tryout", description=__doc__)
    parser.add_argument("spec", help="the path of a persona, scenario, domain, template, specs/noise.yaml or a skill")
    parser.add_argument("--tasks", type=int, default=TASKS, help=f"how many (default: {TASKS})")
    arguments = parser.parse_args(argv)
    wanted = aim(arguments.spec)
    _, problems = validate.validate(Path())
    if problems:
        raise UserError(problems)
    specs, section = catalogue.load(), params.section("compile")
    if wanted.kind == "operations":
        _accepted(specs, wanted)
    tried = trials(specs, wanted, section["seed"], section["bench_share"], arguments.tasks)
    made = [(t, t.result) for t in tried if isinstance(t.result, Built)]
    if not made:
        raise UserError(unmade(wanted, tried))
    console, failed = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH), []
    for number, (trial, built) in enumerate(made, 1):
        card = audited(built)
        console.print(tryout_page.page(f"{number} of {len(made)}", trial.plan, built, card, trial.stand_in))
        failed += [wanted.problem(f"task {card.id} fails its audit", card.rejected)] if card.rejected else []
    for trial in tried:
        if isinstance(trial.result, Rejected):
            print(f"rejected {trial.plan.id} ({', '.join(trial.plan.operations)}): {trial.result.reason}", file=sys.stderr)
    if failed:
        raise UserError(failed)
    print(f"{len(made)} of {len(tried)} plans came out, and each passes its audit")
    return 0


if __name__ == "__main__":
    errors.run(main)
