"""The audit: each verifier is measured before it is believed, by the solution, the untouched workspace, mutants and equivalents.

`python -m verifiers.audit` writes data/scorecards and metrics/scorecard.json; it fails where too many tasks are rejected.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from jsonschema import Draft202012Validator

from sandbox.box import OpenBox, configured_box
from specs import errors, layout, params, progress, shards
from specs.errors import BoundaryError, Problem, UserError
from specs.records import Change, EquivalentScore, MutantScore, Scorecard, Verifier
from specs.store import Store
from verifiers import mutants, package, scorecard, tampering
from verifiers.cases import Case, cases, splits
from verifiers.demanded import sentence
from verifiers.grade import HERE, SOLVED, Graded, grade, kinds
from verifiers.kept import kept
from verifiers.measuring import Measured, Measuring
from verifiers.parallel import finished
from verifiers.playing import Capped, left, working

METRICS = layout.METRICS / "scorecard.json"
COMPILED = layout.METRICS / "compile.json"
BATCH = 50  # tasks that share a warm box, and are kept together, at most
T = TypeVar("T")


class Unfit(Exception):
    """Why a task is not fit for the dataset."""


def audit(case: Case, open_box: OpenBox) -> Scorecard:
    """The evidence for one verifier. Raises BoundaryError where a box or the grader itself failed outside any check."""
    return audit_all((case,), open_box)[0]


def audit_all(found: Iterable[Case], open_box: OpenBox) -> list[Scorecard]:
    """As `audit` for each, most of what runs code in one warm box. What would speak against a task is tried in fresh boxes."""
    with kept(open_box) as again:
        return [_audited(case, again, open_box) for case in found]


def _audited(case: Case, again: OpenBox, fresh: OpenBox) -> Scorecard:
    reasons = [*_ill_formed(case.verifier), *_undemanded(case)]
    right = untouched = 0.0
    wrong: list[MutantScore] = []
    alike: list[EquivalentScore] = []
    if not reasons:
        try:
            outcome, graded = _right(case, again, fresh)
            right, untouched = graded.score, _graded(case, (), fresh, "the untouched workspace").score
            reasons += _basics(graded, untouched)
            wrong, alike, more = _candidates(case, outcome, again, fresh)
            reasons += more
        except (Unfit, Capped) as unfit:
            reasons.append(str(unfit))
    task = case.task
    return Scorecard(
        task.id, right, untouched, tuple(wrong), tuple(alike), "; ".join(reasons), task.operations, task.digest, case.verifier.digest
    )


def _right(case: Case, again: OpenBox, fresh: OpenBox) -> tuple[tuple[Change, ...], Graded]:
    """What the solution leaves behind, and its grade; where that is not full, of all its steps in a box of their own."""
    with suppress(Capped):
        outcome = left(case.task, working(case.solution.steps), again)
        graded = _graded(case, outcome, again, "the solution")
        if graded.solved:
            return outcome, graded
    outcome = left(case.task, case.solution.steps, fresh)
    return outcome, _graded(case, outcome, fresh, "the solution")


def _ill_formed(verifier: Verifier) -> Iterator[str]:
    """Checks whose params don't follow their kind's schema."""
    for check in verifier.checks:
        if check.kind not in kinds():
            yield f"check {check.id}: there is no kind '{check.kind}'"
            continue
        for error in _validator(check.kind).iter_errors(check.params):
            yield f"check {check.id}: params.{error.json_path.removeprefix('$.')}: {error.message[:160]}"


def _undemanded(case: Case) -> Iterator[str]:
    """Checks that nothing in the instruction asks for."""
    for check in case.verifier.checks:
        if not check.demand or not sentence(case.task.instruction, check):
            yield f"a check that nobody asked for: no sentence of the instruction names what {check.id} looks at"


@functools.cache
def _validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((HERE / "kinds" / f"{kind}.schema.json").read_text(encoding="utf-8")))


def _graded(case: Case, changes: Sequence[Change], open_box: OpenBox, what: str) -> Graded:
    """The grade; a check that crashes makes the task unfit, for a mutant that crashed was not tried. A box that fails is no verdict."""
    try:
        return grade(case.task, case.verifier, changes, open_box)
    except BoundaryError as error:
        if error.boundary != "grader":
            raise
        raise Unfit(f"{what} could not be graded: {error}") from error


def _basics(solution: Graded, untouched: float) -> Iterator[str]:
    if not solution.solved:
        why = next((c.why for c in solution.checks if c.score < 1), "")
        yield f"the solution scores {solution.score:.3g}: {why}"
    if untouched > 0:
        yield f"the untouched workspace scores {untouched:.3g}"


def _candidates(
    case: Case, outcome: tuple[Change, ...], again: OpenBox, fresh: OpenBox
) -> tuple[list[MutantScore], list[EquivalentScore], list[str]]:
    """Scores of all mutants and equivalents, and what speaks against the verifier."""
    wrong: list[MutantScore] = []
    alike: list[EquivalentScore] = []
    reasons: list[str] = []
    measure = functools.partial(_measured, case, Measuring(case.task, case.verifier, outcome, again), fresh)
    for candidate in case.candidates:
        name = f"{candidate.kind} {candidate.demand}".strip()
        got = measure(name, candidate.changes, candidate.should_pass)
        if candidate.should_pass:
            alike.append(EquivalentScore(candidate.kind, got.score, got.anew))
            reasons += [f"the equivalent '{name}' scores {got.score:.3g}"] if got.score < SOLVED else []
        else:
            wrong.append(MutantScore(candidate.kind, candidate.demand, got.score, got.artifact, got.concerned))
            reasons += [f"the mutant '{name}' is no other than the solution"] if got.same else _passes(name, got.score)
    for mutant in _generic(case, outcome, again):
        got = measure(mutant.kind, mutant.changes, False)
        if not got.same:
            wrong.append(MutantScore(mutant.kind, "", got.score, got.artifact, got.concerned))
            reasons += _passes(mutant.kind, got.score)
    return wrong, alike, reasons


def _generic(case: Case, outcome: tuple[Change, ...], again: OpenBox) -> Iterator[mutants.Mutant]:
    yield from mutants.generic(case.task, case.verifier, outcome)
    if tampering.chosen(case.task) and (fitted := tampering.fitted(case.task, case.solution, outcome, again)) is not None:
        yield mutants.Mutant("tampered-fitted", fitted)


def _measured(case: Case, measuring: Measuring, fresh: OpenBox, name: str, changes: Sequence[Change], should_pass: bool) -> Measured:
    """The measure; what would speak against the verifier is graded again as a whole, in boxes of its own, and that grade stands."""
    try:
        got = measuring(changes)
    except BoundaryError as error:
        if error.boundary != "grader":
            raise
        raise Unfit(f"{name} could not be graded: {error}") from error
    if (got.score >= SOLVED) == should_pass:
        return got
    package.forget()  # what came of the same code in a box that others had used
    return dataclasses.replace(got, score=_graded(case, changes, fresh, name).score)


def _passes(name: str, score: float) -> list[str]:
    return [f"the mutant '{name}' passes"] if score >= SOLVED else []


def _of_cases(found: Sequence[Case], store: Path, open_box: OpenBox) -> list[Scorecard]:
    """The scorecards of these cases: those that the store lacks are measured, and kept there."""
    with closing(Store(store)) as opened:
        kept_before = {c.task.id: opened.record("audit", c.key, Scorecard) for c in found}
        todo = [c for c in found if kept_before[c.task.id] is None]
        made = audit_all(todo, open_box)
        for case, card in zip(todo, made, strict=True):
            opened.put("audit", case.key, card)
    return [card for card in kept_before.values() if card is not None] + made


def _of_build(ids: Sequence[str], full: bool, store: Path, open_box: OpenBox) -> list[Scorecard]:
    """As `_of_cases`, of tasks of the build: whoever audits them reads them."""
    return _of_cases(cases(full, ids), store, open_box)


def _all(work: Callable[[Sequence[T]], list[Scorecard]], items: Sequence[T], workers: int) -> list[Scorecard]:
    """What workers make of all items, by id."""
    size = max(1, min(BATCH, len(items) // (4 * workers)))  # several for each worker, so that none waits long for the last
    batches = [items[start : start + size] for start in range(0, len(items), size)]
    made: list[Scorecard] = []
    with progress.track("audit", len(items)) as advance:
        for _, done in finished(work, batches, workers, apart=workers > 1):
            for card in done:
                made.append(card)
                advance()
    return sorted(made, key=lambda card: card.id)


def cards(wanted: Iterable[Case], workers: int, store: Store, open_box: OpenBox) -> list[Scorecard]:
    """The scorecards of the cases, by id; those that the store lacks are measured, and kept."""
    return _all(functools.partial(_of_cases, store=store.path, open_box=open_box), list(wanted), workers)


def run(workers: int, store: Store, open_box: OpenBox, full: bool = False) -> list[Scorecard]:
    """The scorecards of all tasks of the build, by id, written down by split."""
    found = splits(full)
    done = _all(functools.partial(_of_build, full=full, store=store.path, open_box=open_box), list(found), workers)
    shards.write(layout.build(layout.SCORECARDS, full), Scorecard, ((found[c.id], c) for c in done))
    return done


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m verifiers.audit", description="Measure every verifier.")
    parser.add_argument("--workers", type=int, default=params.section("audit")["workers"])
    parser.add_argument("--full", action="store_true", help="the full build, in data/full")
    args = parser.parse_args(argv)
    made = run(args.workers, Store(), configured_box(), args.full)
    figures = scorecard.summary(made)
    metrics, compiled = layout.build(METRICS, args.full), layout.build(COMPILED, args.full)
    metrics.parent.mkdir(exist_ok=True)
    metrics.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    for card in made:
        if card.rejected:
            print(f"rejected {card.id} ({', '.join(card.operations)}): {card.rejected}", file=sys.stderr)
    earlier = json.loads(compiled.read_text(encoding="utf-8")) if compiled.exists() else {}
    if found := scorecard.excess(made, earlier):
        raise UserError(Problem(str(metrics), 1, 1, "rejected", what, "see the reasons above") for what in found)
    tried = f"{figures['mutants']} mutants and {figures['equivalents']} equivalents"
    print(f"audited {figures['tasks']} tasks with {tried}: {figures['tasks'] - figures['shipped']} rejected")
    return 0


if __name__ == "__main__":
    errors.run(main)
