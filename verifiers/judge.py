"""The judge: takes rubrics into the verdicts that code has given, over an OpenAI-compatible endpoint.

`python -m verifiers.judge --agent NAME --split SPLIT` is the second half of the stage `grade`, by the section `judge` of params.yaml. What
a model answered is kept at once and recorded under its request's digest in verifiers/judged, so that judging again asks nobody.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specs import digests, errors, layout, params, recorded, shards
from specs.asking import Asker
from specs.endpoint import Endpoint, key_of
from specs.progress import track
from specs.recorded import Records
from specs.records import Change, CheckScore, Failure, RubricItem, Task, Verdict, Verifier
from specs.replies import Talk
from specs.store import Store
from verifiers.grade import SOLVED, Work, looked_up, places
from verifiers.judging import Judge, Judgement, judgement, question
from verifiers.snapshot import Fault, view_of

STAGE = "judge"
NOT_JUDGED, JUDGED = "not judged", "judged"
FOLDER = Path("verifiers/judged")
Outcome = tuple[int, str, Judgement]  # number of the case, id of the criterion


@dataclass(frozen=True)
class Case:
    """What code has graded: the verdict, and what it is about."""

    task: Task
    verifier: Verifier
    changes: Sequence[Change]
    verdict: Verdict


def judge_of(section: Mapping[str, Any]) -> Judge | None:
    """The judge that the section `judge` of params.yaml names; None where judging is off."""
    if section.get("endpoint") is None:
        return None
    return Judge(str(section["model"]), int(section["votes"]), int(section["tries"]), dict(section["sampling"]))


def judged(cases: Sequence[Case], section: Mapping[str, Any], store: Store, folder: Path = FOLDER) -> list[Verdict]:
    """The cases' verdicts with their rubrics taken in; as they were where judging is off, there is no rubric, or it was judged before.

    A verdict of which a question could not be asked is an error of the boundary "judge". Raises CallFailed where no call can succeed, and
    UserError where the key's environment variable is not set; what was answered until then is kept.
    """
    judge = judge_of(section)
    if judge is None:
        return [c.verdict for c in cases]
    fixed: dict[int, list[CheckScore]] = defaultdict(list)
    asked: dict[int, list[RubricItem]] = defaultdict(list)
    talks: list[tuple[str, Talk[Outcome]]] = []
    for number, case in enumerate(cases):
        for item in case.verifier.rubric if _waits(case) else ():
            made = _prepared(case, item, judge)
            if isinstance(made, CheckScore):
                fixed[number].append(made)
            else:
                asked[number].append(item)
                talks.append((case.task.id, numbered(number, item.id, made)))
    found = answers(talks, section, store, folder)
    verdicts = []
    for number, case in enumerate(cases):
        scores = [*fixed[number], *(_scored(item, found[number, item.id]) for item in asked[number] if (number, item.id) in found)]
        verdicts.append(_taken_in(case, judge, scores))
    return verdicts


def answers(
    talks: Iterable[tuple[str, Talk[Outcome]]], section: Mapping[str, Any], store: Store, folder: Path = FOLDER
) -> dict[tuple[int, str], Judgement]:
    """Have these exchanges, given by task; the judgements by case and criterion, without those of which a call failed."""
    todo = sorted(talks, key=lambda pair: pair[0])
    found: dict[tuple[int, str], Judgement] = {}
    if not todo:
        return found

    def book(_: str, outcome: Outcome) -> None:
        found[outcome[0], outcome[1]] = outcome[2]

    with track(STAGE, len(todo)) as advance:
        asker = Asker(STAGE, Endpoint(section, key_of(STAGE, section)), Records(folder), store, book, advance)
        try:
            asker.run(iter(todo), int(section["concurrency"]))
        finally:
            recorded.write(asker.account.responses, folder)
    return found


def may_be_asked(verifier: Verifier, verdict: Verdict, path: str) -> bool:
    """Whether code lets the text at `path` earn rubric points.

    All gates (checks of weight 0) have to be passed, the whole has to be worth something, and so has every check of that text.
    """
    scores = {s.id: s.score for s in verdict.checks}
    gates = all(scores.get(c.id, 0.0) >= SOLVED for c in verifier.checks if c.weight == 0)
    own = all(scores.get(c.id, 0.0) > 0 for c in verifier.checks if c.params.get("path") == path)
    return gates and own and verdict.code > 0


def _waits(case: Case) -> bool:
    """Whether code has graded and the rubric is still to be judged."""
    return case.verdict.status == "graded" and case.verdict.judging == NOT_JUDGED


def _prepared(case: Case, item: RubricItem, judge: Judge) -> CheckScore | Talk[Judgement]:
    """The exchange about a criterion, or its score of 0 where there is nothing to ask about."""
    if not may_be_asked(case.verifier, case.verdict, item.path):
        return CheckScore(item.id, "rubric", 0.0, "not asked: what code checks comes first")
    try:
        return judgement(question(case.task, item, view_of(case.task, case.changes)), judge)
    except Fault as fault:
        return CheckScore(item.id, "rubric", 0.0, f"not asked: {fault}")


def numbered(number: int, criterion: str, talk: Talk[Judgement]) -> Talk[Outcome]:
    """The exchange, with what its judgement is booked under."""
    outcome = yield from talk
    return number, criterion, outcome


def _scored(item: RubricItem, found: Judgement) -> CheckScore:
    return CheckScore(item.id, "rubric", float(found.met), f"{item.question} {found.why}")


def _taken_in(case: Case, judge: Judge, scores: Sequence[CheckScore]) -> Verdict:
    """The verdict with its rubric: the weighted share of the criteria that are met, beside the code's score by the verifier's weights."""
    verdict, verifier = case.verdict, case.verifier
    if not _waits(case):
        return verdict
    identity = digests.digest([verdict.id, judge.digest])
    by_id = {s.id: s for s in scores}
    if set(by_id) != {item.id for item in verifier.rubric}:
        failure = Failure("judge", f"{len(verifier.rubric) - len(by_id)} of {len(verifier.rubric)} questions could not be asked")
        return dataclasses.replace(
            verdict, id=identity, status="error", error=failure, score=0.0, code=0.0, solved=False, checks=(), judging=NOT_JUDGED
        )
    rubric = sum(i.weight * by_id[i.id].score for i in verifier.rubric) / sum(i.weight for i in verifier.rubric)
    return dataclasses.replace(
        verdict,
        id=identity,
        rubric=rubric,
        score=verifier.weights.code * verdict.code + verifier.weights.rubric * rubric,
        checks=(*verdict.checks, *(by_id[i.id] for i in verifier.rubric)),
        judging=JUDGED,
    )


def run(rollouts: Path, verdicts: Path, section: Mapping[str, Any], store: Store) -> dict[str, int]:
    """Take the rubrics into a folder of verdicts, which it replaces; counts by what became of them. Raises as `judged` does."""
    given = {v.rollout: v for v in shards.read(verdicts, Verdict)}
    made = list(given.values())
    if judge_of(section) is not None:
        found: list[tuple[str, Verdict]] = []
        for part in shards.parts(shards.read(rollouts, Work, ids=given)):
            tasks, verifiers = looked_up(part)
            cases = [Case(tasks[r.task], verifiers[r.task], r.changes, given[r.id]) for r in part]
            found += [(tasks[v.task].split, v) for v in judged(cases, section, store)]
        shards.write(verdicts, Verdict, found)
        made = [v for _, v in found]
    return {
        "judged": sum(v.judging == JUDGED for v in made),
        "not_judged": sum(v.status == "graded" and v.judging == NOT_JUDGED for v in made),
        "errors": sum(v.error is not None and v.error.boundary == STAGE for v in made),
    }


def main(argv: Sequence[str]) -> int:
    """Judge the verdicts of an agent on a split, or those of a folder."""
    parser = argparse.ArgumentParser(prog="python -m verifiers.judge", description="Judge the rubrics of graded rollouts.")
    agent, rollouts, verdicts = places(parser, argv, "--verdicts")
    layout.present(verdicts, f"run the grade stage for {agent} first")
    counts = run(rollouts, verdicts, params.section(STAGE), Store())
    print(f"{agent}: {counts['judged']} rubrics judged, {counts['not_judged']} not judged (code only), {counts['errors']} errors")
    return 0


if __name__ == "__main__":
    errors.run(main)
