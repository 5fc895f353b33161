"""Order on trial: SQL that is asked of many inputs at once must not depend on the order in which rows come."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from generators import batches, operate
from generators.batches import Found, group_of
from generators.chain import bindings
from generators.database import InMemory
from generators.demands import mutant_sql
from generators.hostile import Trial
from generators.questions import Question, question
from generators.relations import in_order
from generators.statements import TruthError
from generators.views import Binding
from generators.witness import witnesses
from specs.catalogue import Operation

Steps = tuple[str | int, ...]


def statements(operation: Operation) -> Iterator[tuple[Steps, str]]:
    """The operation's SQL by its place in the entry, without what is always asked alone."""
    found: list[tuple[Steps, str]] = [(("truth",), operation.spec["truth"])]
    for name, demand in operation.spec["demands"].items():
        with contextlib.suppress(TruthError):  # a swap of what is not there, which is told elsewhere
            sql = mutant_sql(operation.spec["truth"], demand["mutant"])
            found += [(("demands", name, "mutant"), sql)] if sql else []
        found += [(("demands", name, "witness"), each) for each in witnesses(demand, next(iter(operation.spec["takes"]))).values()]
    return ((steps, sql) for steps, sql in found if not batches.alone(sql))


def unsteady(db: InMemory, operation: Operation, tried: Sequence[Trial]) -> Iterator[tuple[Steps, Trial]]:
    """SQL that yields other rows of a trial when it is asked of several at once, with their rows backwards; and the smallest such trial."""
    ordered = bool(operation.spec["yields"].get("ordered", False))
    for steps, sql in statements(operation):
        exact = ordered and steps[-1] != "witness"
        differing = [t for t, straight, among in _asked_twice(db, sql, tried) if not _agree(straight, among, exact)]
        if differing:
            yield steps, min(differing, key=lambda t: (len(t.bases[t.main].rows), t.number))


def _asked_twice(db: InMemory, sql: str, tried: Sequence[Trial]) -> Iterator[tuple[Trial, Found, Found]]:
    """Each trial with its answer when asked alone, and when asked with others and its rows backwards."""
    groups: dict[Any, list[tuple[Trial, Question, Question]]] = {}
    for trial in tried:
        bound = bindings(trial.step, trial.bases, [])
        params = {**trial.step.params, **operate.auto_params(bound)}
        straight, backwards = (question(sql, b, params) for b in (bound, {n: _backwards(b) for n, b in bound.items()}))
        groups.setdefault(group_of(straight), []).append((trial, straight, backwards))
    for members in groups.values():
        among = batches.answers(db, [backwards for _, _, backwards in members])
        for (trial, straight, _), found in zip(members, among, strict=True):
            yield trial, batches.found_of(db.answer, straight), found


def _backwards(binding: Binding) -> Binding:
    return Binding(binding.relation.with_rows(binding.relation.rows[::-1]), binding.names)


def _agree(one: Found, other: Found, exact: bool) -> bool:
    """Whether two answers are the same, the order of rows left aside unless it is `exact`; a failure is like any other."""
    if isinstance(one, TruthError) or isinstance(other, TruthError):
        return isinstance(one, TruthError) and isinstance(other, TruthError)
    if exact:
        return one == other
    return one[0] == other[0] and in_order(one[1]) == in_order(other[1])
