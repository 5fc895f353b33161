"""A workflow over hidden relations: which input each step takes, and what every step yields, straight or with one twist."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from generators import operate
from generators.operate import Fruitless, Roleless, Unfit
from generators.questions import Database
from generators.relations import Relation
from generators.renderers import SITE
from generators.views import Binding
from specs import partners
from specs.catalogue import Operation

TRIES = 4  # choices of columns and parameters for a step


@dataclass(frozen=True)
class Input:
    """Where an input comes from: a drawn relation by name, or an earlier step's yield; and the column behind each bound name."""

    base: str
    step: int  # -1 for a drawn relation
    names: dict[str, str]


@dataclass(frozen=True)
class Step:
    """An operation of a task with all that its truth needs but the rows."""

    operation: Operation
    inputs: dict[str, Input]
    params: dict[str, Any]
    neighbours: dict[str, Any]

    @property
    def names(self) -> dict[str, str]:
        """Written names by bound column."""
        return {bound: column for source in self.inputs.values() for bound, column in source.names.items()}


@dataclass(frozen=True)
class Twist:
    """One thing done otherwise at step `at`: other SQL, other parameters, or other relations as inputs."""

    at: int
    sql: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Relation] = field(default_factory=dict)
    skips: bool = False  # whether the other input is what an earlier step started from


Bases = dict[str, Relation]


def on_site(operation: Operation, name: str) -> bool:
    """Whether the operation asks for that input as a site that is served."""
    return bool(operation.spec.get("needs", {}).get(name) == "site")


def on_lines(operation: Operation, name: str) -> bool:
    """Whether the operation cites lines of the file that the input, or what it was made from, was drawn as."""
    return bool(operation.spec.get("needs", {}).get(name) == "lines")


def origin(steps: Sequence[Step], source: Input) -> str:
    """The drawn relation that an input was made from, through the first inputs of the steps before it."""
    while source.step >= 0:
        source = next(iter(steps[source.step].inputs.values()))
    return source.base


def bindings(step: Step, bases: Bases, answers: Sequence[Relation], inputs: dict[str, Relation] | None = None) -> dict[str, Binding]:
    """The step's inputs over the relations at hand; `inputs` replace some of them."""
    bound = {}
    for name, source in step.inputs.items():
        relation = (inputs or {}).get(name) or (bases[source.base] if source.step < 0 else answers[source.step])
        bound[name] = Binding(relation, {b: relation.columns[relation.index(c)] for b, c in source.names.items()})
    return bound


def run(db: Database, steps: Sequence[Step], bases: Bases, twist: Twist | None = None, known: Sequence[Relation] = ()) -> list[Relation]:
    """What each step yields; the first ones may be `known` already.

    Raises TruthError where SQL fails, KeyError where a twisted input lacks a column.
    """
    answers: list[Relation] = list(known)
    for number, step in list(enumerate(steps))[len(answers) :]:
        here = twist if twist and twist.at == number else None
        bound = bindings(step, bases, answers, here.inputs if here else None)
        params = {**step.params, **(here.params if here else {})}
        answers.append(operate.answer(db, step.operation, bound, params, here.sql if here else None))
    return answers


def arrange(
    db: Database, operations: Sequence[Operation], domain: dict[str, Any], bases: Bases, rng: random.Random, strict: bool = False
) -> tuple[list[Step], list[Relation]]:
    """Choose inputs, columns and parameters for each operation in turn; with `strict`, so that each step needs the one before it.

    A step that can't be served gets other columns and parameters, TRIES times. Raises Unfit where none will do.
    """
    steps: list[Step] = []
    answers: list[Relation] = []
    for operation in operations:
        sources = _sources(operation, domain, bases, steps, answers, rng)
        choose = functools.partial(_step, db, operation, sources, steps, bases, answers, rng, strict)
        step, result = operate.first_fit([choose] * TRIES)
        steps.append(step)
        answers.append(result)
    return steps, answers


def _step(
    db: Database,
    operation: Operation,
    sources: dict[str, Input],
    steps: Sequence[Step],
    bases: Bases,
    answers: Sequence[Relation],
    rng: random.Random,
    strict: bool,
) -> tuple[Step, Relation]:
    """The operation with columns and parameters, and what it yields. Raises Unfit where that is nothing, or not what is wanted."""
    relations = {n: bases[s.base] if s.step < 0 else answers[s.step] for n, s in sources.items()}
    bound = operate.bind(operation, relations, rng)
    params, neighbours = operate.draw_params(operation, bound, rng)
    inputs = {n: Input(s.base, s.step, {b: c.name for b, c in bound[n].names.items()}) for n, s in sources.items()}
    result = operate.answer(db, operation, bound, params)
    _refuse_empty(operation, result, bound, params)
    step = Step(operation, inputs, params, neighbours)
    if strict:
        _refuse_needless(db, steps, step, result, bases, answers)
    return step, result


def _refuse_needless(db: Database, steps: Sequence[Step], step: Step, result: Relation, bases: Bases, answers: Sequence[Relation]) -> None:
    """Raise Unfit where the step yields the same on what an earlier one started from, and a demand says that it must not."""
    for name, demand in step.operation.spec["demands"].items():
        replaced = demand["mutant"].get("input")
        if replaced is None or step.inputs[replaced].step < 0:
            continue
        before = started_from(steps, step.inputs[replaced].step, bases, answers)
        if before is not None:
            bound = bindings(step, bases, answers, {replaced: before})
            if operate.answer(db, step.operation, bound, step.params).agrees(result):
                raise Unfit(f"{step.operation.id}: the demand '{name}' makes no difference")


def started_from(steps: Sequence[Step], number: int, bases: Bases, answers: Sequence[Relation]) -> Relation | None:
    """What a step was given as its first input, where it yields the same columns; None where nothing can be taken in its place."""
    before = next(iter(bindings(steps[number], bases, answers).values())).relation
    return before if before.columns == answers[number].columns else None


def _refuse_empty(operation: Operation, result: Relation, bound: dict[str, Binding], params: dict[str, Any]) -> None:
    if not result.rows:
        raise Fruitless(f"{operation.id} yields nothing", bound, params)
    main = next(iter(bound.values())).relation
    if operation.spec["yields"].get("columns") == "same" and not result.ordered and set(result.rows) == set(main.rows):
        raise Fruitless(f"{operation.id} changes nothing", bound, params)


def _sources(
    operation: Operation, domain: dict[str, Any], bases: Bases, steps: list[Step], answers: list[Relation], rng: random.Random
) -> dict[str, Input]:
    takes = operation.spec["takes"]
    first, *others = takes
    source, root = _first(operation, first, others, domain, bases, steps, answers, rng)
    sources = {first: source}
    for name in others:
        sources[name] = Input(rng.choice(_partners(operation, domain, bases, name, root)), -1, {})
    return sources


def _first(
    operation: Operation,
    name: str,
    others: list[str],
    domain: dict[str, Any],
    bases: Bases,
    steps: list[Step],
    answers: list[Relation],
    rng: random.Random,
) -> tuple[Input, str]:
    """The nearest earlier step that yields what is taken, else a drawn relation; what is changed where it stands is always drawn."""
    for index in () if operation.drawn or on_site(operation, name) else reversed(range(len(steps))):
        if steps[index].operation.spec["yields"]["as"] != "table":
            continue
        if on_lines(operation, name) and not _lined(domain, answers[index].root):
            continue
        if _fits(operation, name, answers[index]) and all(_partners(operation, domain, bases, o, answers[index].root) for o in others):
            return Input("", index, {}), answers[index].root
    fit = [
        r
        for r, spec in domain["relations"].items()
        if not partners.derived(spec)
        and _fits(operation, name, bases[r])
        and all(_partners(operation, domain, bases, o, r) for o in others)
        and _form_fits(operation, name, spec)
    ]
    if not fit:
        raise Roleless(f"no relation of {domain['name']} serves {operation.id}")
    used = {i.base for s in steps for i in s.inputs.values()}
    chosen = rng.choice([r for r in fit if r in used] or fit)
    return Input(chosen, -1, {}), chosen


def _lined(domain: dict[str, Any], root: str) -> bool:
    return "line" in domain["relations"].get(root, {})


def _partners(operation: Operation, domain: dict[str, Any], bases: Bases, name: str, root: str) -> list[str]:
    """The relations that belong to `root` in the way that a further input's name says, and have what it takes."""
    return [p for p in partners.of(domain["relations"], name, root) if _fits(operation, name, bases[p])]


def _form_fits(operation: Operation, name: str, spec: dict[str, Any]) -> bool:
    """Files are organised in a folder of files, code works on data that JSON holds; a tree is edited as a tree; a site is served.

    Lines are cited of a file of lines.
    """
    if on_site(operation, name) and SITE not in spec["formats"]:
        return False
    if on_lines(operation, name) and "line" not in spec:
        return False
    if operation.spec["yields"]["as"] == "files":
        return "folder" in spec
    return not operation.packaged or ("folder" not in spec and "tree" not in spec and "line" not in spec)


def _fits(operation: Operation, name: str, relation: Relation) -> bool:
    taken: dict[str, Any] = {}
    if operation.spec.get("needs", {}).get(name) == "same" and not relation.same:
        return False
    for bound, roles in operation.spec["takes"][name].items():
        found = operate.columns_for(relation, roles, taken, operate.wants_better(operation, name, bound))
        if not found:
            return False
        taken[bound] = found[0]
    return True
