"""Witnesses and mutants: rows planted so that each demand matters, and the answer of someone who ignores it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from generators import chain, operate
from generators.chain import Bases, Step, Twist
from generators.operate import Unfit
from generators.questions import Database
from generators.relations import Relation, Row, in_order
from generators.statements import TruthError

ROUNDS = 4


@dataclass(frozen=True)
class Mutant:
    """What every step would yield if the demand were ignored at `step`, and all others got what they should: the hardest to tell."""

    step: int
    demand: str
    answers: tuple[Relation, ...]
    skips: bool = False  # whether it is an earlier step that is left out


@dataclass(frozen=True)
class Settled:
    """Bases in which every demand matters, what each step yields, the mutants, and demands that can't matter here (step, name)."""

    bases: Bases
    answers: list[Relation]
    mutants: list[Mutant]
    moot: frozenset[tuple[int, str]]


def settle(db: Database, steps: Sequence[Step], bases: Bases, decoys: Bases, strict: bool) -> Settled:
    """Plant witnesses until every demand's mutant differs from the answer.

    A demand with a witness whose input has no drawn rows behind it (a total, say, is never blank) is moot: it will not be
    said. With `strict`, skipping an earlier step has to change what a later one yields; without, mistaking the first file
    for its outdated twin. Raises Unfit naming a demand that no planting brings out, or a step that planting left empty.
    """
    moot: set[tuple[int, str]] = set()
    for turn in range(ROUNDS):
        answers = chain.run(db, steps, bases)
        if any(not a.rows for a in answers):
            raise Unfit("planting left a step without rows")
        mutants, equal = _tried(db, steps, World(bases, decoys, answers, strict), moot, turn > 0)
        if not equal:
            return Settled(bases, answers, mutants, frozenset(moot))
        planted = plant(db, steps, equal, bases, answers) if turn + 1 < ROUNDS else bases
        if turn > 0 and planted == bases:  # whatever is tried again comes out the same
            break
        bases = planted
    first = equal[0]
    raise Unfit(f"{steps[first.step].operation.id}: the demand '{first.demand}' makes no difference")


def _tried(
    db: Database, steps: Sequence[Step], world: World, moot: set[tuple[int, str]], planted: bool
) -> tuple[list[Mutant], list[Mutant]]:
    """The mutants of all steps, and those of them that equal the answer; a demand that can't matter here is put into `moot`.

    Demands with a witness are tried first: where some of them make no difference yet, the others need not be tried before these are
    planted, and no mutants are given. Once something is `planted` they are tried last: most have their witness then, and a draw that
    can't serve is known sooner by the others. Raises Unfit naming a demand without a witness that makes no difference.
    """
    demands = [(number, name) for number, step in enumerate(steps) for name in step.operation.spec["demands"]]
    found: dict[tuple[int, str], Mutant] = {}
    equal: list[Mutant] = []
    for number, name in sorted(demands, key=lambda d: bool(_witnesses(steps[d[0]], d[1])) is planted):
        if equal and not _witnesses(steps[number], name):
            return [], equal
        mutant = None if (number, name) in moot else mutant_of(db, steps, number, name, world)
        if mutant is None:
            continue
        if mutant.answers[number].agrees(world.answers[number]):
            if not _witnesses(steps[number], name):
                raise Unfit(f"{steps[number].operation.id}: the demand '{name}' makes no difference")
            if _unplantable(steps[number], name, world.bases, world.answers):
                moot.add((number, name))
                continue
            equal.append(mutant)
        found[number, name] = mutant
    return [found[d] for d in demands if d in found], equal


def witnesses(demand: dict[str, Any], main: str) -> dict[str, str]:
    """A demand's witness by input, of which the first is called `main`; empty where it has none."""
    witness = demand.get("witness", {})
    return dict(witness) if isinstance(witness, dict) else {main: str(witness)}


def _witnesses(step: Step, demand: str) -> dict[str, str]:
    return witnesses(step.operation.spec["demands"][demand], next(iter(step.inputs)))


def _unplantable(step: Step, demand: str, bases: Bases, answers: Sequence[Relation]) -> bool:
    bound = chain.bindings(step, bases, answers)
    return any(bound[name].relation.root not in bases for name in _witnesses(step, demand))


@dataclass(frozen=True)
class World:
    """What mutants are made from: the bases, their outdated twins, the right answers."""

    bases: Bases
    decoys: Bases
    answers: Sequence[Relation]
    strict: bool


def mutant_of(db: Database, steps: Sequence[Step], number: int, name: str, world: World) -> Mutant | None:
    """The mutant of one demand of one step; None for a fault of code, which is the code artifact's own."""
    twist = twist_of(db, steps, number, steps[number].operation.spec["demands"][name]["mutant"], world)
    if twist is None:
        return None
    yielded = chain.run(db, steps[: number + 1], world.bases, twist, world.answers[:number])[number]
    return Mutant(number, name, (*world.answers[:number], yielded, *world.answers[number + 1 :]), twist.skips)


def twist_of(db: Database, steps: Sequence[Step], number: int, mutant: dict[str, Any], world: World) -> Twist | None:
    """What someone does who ignores the demand. Raises Unfit where the mutant has nothing to work on."""
    step = steps[number]
    if "swap" in mutant:
        return Twist(number, sql=operate.swapped(step.operation.spec["truth"], mutant["swap"]))
    if "sql" in mutant:
        return Twist(number, sql=mutant["sql"])
    if "param" in mutant:
        name = mutant["param"]
        return Twist(number, params={name: step.neighbours[name]})
    if "input" in mutant:
        other, skips = _other_input(db, steps, number, mutant["input"], world)
        return Twist(number, inputs={mutant["input"]: other}, skips=skips)
    return None


def _other_input(db: Database, steps: Sequence[Step], number: int, name: str, world: World) -> tuple[Relation, bool]:
    """The twin of a drawn relation; for an earlier step's yield what that step started from (it is skipped), or its yield on the twins."""
    source = steps[number].inputs[name]
    if source.step < 0:
        return world.decoys[source.base], False
    before = chain.started_from(steps, source.step, world.bases, world.answers)
    if before is not None:
        skipped = chain.run(db, steps[: number + 1], world.bases, Twist(number, inputs={name: before}), world.answers[:number])[number]
        if world.strict or not skipped.agrees(world.answers[number]):
            return before, True
    try:
        return chain.run(db, steps[: source.step + 1], {**world.bases, **world.decoys})[source.step], False
    except TruthError as error:
        raise Unfit(f"{steps[source.step].operation.id} on the twin: {error}") from error


def plant(db: Database, steps: Sequence[Step], equal: Sequence[Mutant], bases: Bases, answers: Sequence[Relation]) -> Bases:
    """Bases with the witness of each of these demands put in."""
    planted = dict(bases)
    for mutant in equal:
        step = steps[mutant.step]
        for name, sql in _witnesses(step, mutant.demand).items():
            bound = chain.bindings(step, bases, answers)
            columns, rows = db.query(sql, bound, {**step.params, **operate.auto_params(bound)})
            base = bound[name].relation.root
            written = dict(zip(bound[name].view, (c.name for c in bound[name].relation.columns), strict=True))
            planted[base] = replaced(planted[base], [written.get(c, c) for c in columns], in_order(rows))
    return planted


def replaced(relation: Relation, columns: list[str], rows: list[Row]) -> Relation:
    """The relation with the given columns of the rows of the same key replaced."""
    key = relation.column("key") or relation.column("path")
    if key is None or key.name not in columns:
        raise Unfit(f"{relation.name} has no key to plant by")
    at = relation.index(key.name)
    new = {row[columns.index(key.name)]: dict(zip(columns, row, strict=True)) for row in rows}
    own = {c.name for c in relation.columns}
    changed = []
    for row in relation.rows:
        values = new.get(row[at])
        if values is None:
            changed.append(row)
            continue
        changed.append(
            tuple(values[c.name] if c.name in values and c.name in own else v for v, c in zip(row, relation.columns, strict=True))
        )
    return dataclasses.replace(relation, rows=tuple(changed))
