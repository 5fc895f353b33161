"""Demands on trial: on hostile draws each mutant has to be wrong, each witness has to bring its demand out, and each clause of the truth
that makes a difference has to be altered by some mutant: otherwise nobody is told of it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot.errors import SqlglotError

from generators import clauses, operate, witness
from generators.chain import bindings
from generators.hostile import Trial
from generators.operate import Unfit
from generators.questions import Database
from generators.statements import TruthError
from generators.witness import Mutant
from specs.catalogue import Operation

PLANTED = 6  # trials in which each witness is planted


@dataclass(frozen=True)
class Complaint:
    """What is wrong with an operation, at which part of its entry."""

    steps: tuple[str | int, ...]
    what: str


@dataclass
class Findings:
    """What accepting one operation came to. `unspoken` counts clauses that matter and that no demand speaks of."""

    draws: int = 0
    clauses: int = 0
    unspoken: int = 0
    complaints: list[Complaint] = field(default_factory=list)


def mutant_sql(truth: str, mutant: dict[str, Any]) -> str | None:
    """The SQL of someone who ignores the demand; None where the mutant is of another kind. Raises TruthError for a swap of nothing."""
    if "sql" in mutant:
        return str(mutant["sql"])
    return operate.swapped(truth, mutant["swap"]) if "swap" in mutant else None


def differs(db: Database, operation: Operation, sql: str | None, neighbour: str, trial: Trial) -> bool:
    """Whether other SQL, or a parameter's neighbour, gives another answer on the draw. Raises TruthError where the SQL fails."""
    chosen = trial.step.params | ({neighbour: trial.step.neighbours[neighbour]} if neighbour else {})
    other = operate.answer(db, operation, bindings(trial.step, trial.bases, []), chosen, sql)
    return not other.agrees(trial.answer)


def mutants(db: Database, operation: Operation, tried: Sequence[Trial], found: Findings) -> list[Trial]:
    """Complain of mutants that fail, or that no draw and no witness shows to be wrong; the trials that witnesses were planted in."""
    planted: list[Trial] = []
    for name, demand in operation.spec["demands"].items():
        mutant = demand["mutant"]
        if not {"swap", "sql", "param"} & set(mutant):
            continue
        at = ("demands", name)
        try:
            sql = mutant_sql(operation.spec["truth"], mutant)
            wrong = functools.partial(differs, db, operation, sql, mutant.get("param", ""))
            seen = any(map(wrong, tried))
            grown = list(_planted(db, operation, (t for t in tried if not wrong(t)), name)) if "witness" in demand else []
            shown = any(map(wrong, grown))
        except TruthError as error:
            found.complaints.append(Complaint((*at, "mutant"), f"the mutant or the witness fails: {error}"))
            continue
        planted += grown
        if grown and not shown:
            found.complaints.append(Complaint((*at, "witness"), f"the witness does not bring the demand out on {len(grown)} draws"))
        if not seen and not shown:
            found.complaints.append(Complaint((*at, "mutant"), f"the mutant gives the right answer on all {len(tried)} draws"))
    return planted


def _planted(db: Database, operation: Operation, equal: Iterable[Trial], demand: str) -> Iterator[Trial]:
    """Some trials with the demand's witness in their rows."""
    left = PLANTED
    for trial in equal:
        if not left:
            return
        try:
            bases = witness.plant(db, [trial.step], [Mutant(0, demand, ())], trial.bases, [trial.answer])
            answer = operate.answer(db, operation, bindings(trial.step, bases, []), trial.step.params)
        except Unfit:
            continue
        if bases != trial.bases and answer.rows:
            left -= 1
            yield dataclasses.replace(trial, bases=bases, answer=answer)


def spoken(db: Database, operation: Operation, tried: Sequence[Trial], found: Findings) -> None:
    """Complain of each clause whose loss changes an answer and that no demand's mutant alters."""
    truth, demands = operation.spec["truth"], operation.spec["demands"]
    try:
        parts = clauses.clauses(truth)
        altered = [sql for d in demands.values() if (sql := mutant_sql(truth, d["mutant"]))]
        named = {d["mutant"]["param"] for d in demands.values() if "param" in d["mutant"]}
        # Who takes another list for the second input matches rows with the wrong ones: that demand speaks of what belongs together.
        matched = set(list(operation.spec["takes"])[1:]) & {d["mutant"].get("input") for d in demands.values()}
        said = [
            bool(matched and part.kind == "match")
            or any(f"${p}" in part.text for p in named)
            or any(clauses.speaks(truth, sql, part) for sql in altered)
            for part in parts
        ]
    except (SqlglotError, TruthError) as error:
        found.complaints.append(Complaint(("truth",), f"its clauses can't be read: {str(error).splitlines()[0]}"))
        return
    found.clauses = len(parts)
    for part, known in zip(parts, said, strict=True):
        if not known and any(_matters(db, operation, tried, sql) for sql in part.without):
            found.unspoken += 1
            found.complaints.append(Complaint(("truth",), f"no demand speaks of {part.text}; add one whose mutant leaves it out"))


def _matters(db: Database, operation: Operation, tried: Sequence[Trial], sql: str) -> bool:
    try:
        return any(differs(db, operation, sql, "", trial) for trial in tried)
    except TruthError:  # the query means nothing without the clause, so nobody can have left it out
        return False
