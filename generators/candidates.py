"""Outcomes whose verdict is known: mutants of every demand, of form and of noise; equivalents. The audit measures the verifier by them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from generators import artifacts
from generators.artifacts import Changes
from generators.naming import Asked
from generators.noises import Noise
from generators.relations import Relation
from generators.witness import Mutant
from specs import records
from specs.records import Candidate, Change


class Surviving(Exception):
    """A mutant's files equal the solution's: its demand is not tested. The message names it."""


def of_task(
    identity: str, asked: Sequence[Asked], mutants: Sequence[Mutant], noises: Sequence[Noise], originals: Sequence[records.File]
) -> tuple[Candidate, ...]:
    """All candidates of a task. Raises Surviving where a mutant is no other than the answer."""
    outcomes = [_outcome(a, a.answer) for a in asked]
    right = _all(outcomes)
    found: list[Candidate] = []
    for kind, demand, changes in _wrong(asked, outcomes, mutants, noises):
        merged = _all(changes)
        if _same(merged, right):
            raise Surviving(f"{demand}: ignoring it leaves the same files")
        found.append(Candidate(identity, kind, demand, False, merged))
    if originals:
        first = originals[0]
        touched = records.change_of(first.path, first.content + b"\n", first.mode)
        found.append(Candidate(identity, "original-touched", "persona/originals", False, _all([right, (touched,)])))
    for number, one in enumerate(asked):
        for name, changes in artifacts.of(one.artifact).equivalents(one.artifact, one.answer).items():
            found.append(Candidate(identity, name, "", True, _all(_with(outcomes, number, changes))))
    return tuple(found)


def _outcome(asked: Asked, answer: Relation) -> Changes:
    return artifacts.of(asked.artifact).changes(asked.artifact, answer)  # type: ignore[no-any-return]


def _wrong(
    asked: Sequence[Asked], outcomes: Sequence[Changes], mutants: Sequence[Mutant], noises: Sequence[Noise]
) -> Iterator[tuple[str, str, list[Changes]]]:
    for mutant in mutants:
        if asked[mutant.step].step.operation.packaged:
            continue
        name = f"{asked[mutant.step].step.operation.id}/{mutant.demand}"
        yield "demand", name, _yielded(asked, outcomes, mutant.answers)
    for number, one in enumerate(asked):
        yield from _wrong_form(outcomes, number, one)
    for noise in noises:
        yield "noise", f"noise/{noise.kind}", _yielded(asked, outcomes, noise.answers)


def _yielded(asked: Sequence[Asked], outcomes: Sequence[Changes], answers: Sequence[Relation]) -> list[Changes]:
    """Each step's answer written down; where it is the right one, as it was written before."""
    return [right if answer is a.answer else _outcome(a, answer) for a, right, answer in zip(asked, outcomes, answers, strict=True)]


def _wrong_form(outcomes: Sequence[Changes], number: int, one: Asked) -> Iterator[tuple[str, str, list[Changes]]]:
    kind = artifacts.of(one.artifact)
    for shape, changes in kind.shapes(one.artifact, one.answer).items():
        yield shape, f"{one.artifact.kind}/{shape}", _with(outcomes, number, changes)
    if one.answer.ordered and len(one.answer.rows) > 1 and one.artifact.kind == "table":
        backwards = one.answer.with_rows(list(reversed(one.answer.rows)))
        if not backwards.agrees(one.answer):
            yield "reversed", f"{one.step.operation.id}/order", _with(outcomes, number, _outcome(one, backwards))
    if one.artifact.kind == "tests":
        for name in one.step.operation.spec["demands"]:
            yield "demand", f"{one.step.operation.id}/{name}", _with(outcomes, number, kind.ignoring(one.artifact, name))
    if one.artifact.kind == "code":
        for name, demand in one.step.operation.spec["demands"].items():
            if demand["mutant"].get("fault", one.artifact.details["fault"]) != one.artifact.details["fault"]:
                mutated = kind.faulty(one.artifact, demand["mutant"]["fault"])
                yield "demand", f"{one.step.operation.id}/{name}", _with(outcomes, number, mutated)


def _with(outcomes: Sequence[Changes], number: int, changes: Changes) -> list[Changes]:
    """Every step's right outcome but for one."""
    return [changes if i == number else right for i, right in enumerate(outcomes)]


def _all(parts: Sequence[Changes]) -> Changes:
    """Changes of several steps as one set; the later of two for one path stands."""
    merged: dict[str, Change] = {}
    for part in parts:
        for change in part:
            merged[change.path] = change
    return tuple(merged[p] for p in sorted(merged))


def _same(a: Changes, b: Changes) -> bool:
    return {(c.path, c.type, c.digest) for c in a} == {(c.path, c.type, c.digest) for c in b}
