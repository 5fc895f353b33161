"""The judge's own scorecard: solutions against the same texts with their manner spoiled, which it must tell apart.

`python -m verifiers.judge_scorecard --endpoint URL --model NAME` prints it, and with `--write` writes metrics/judge.json. Facts are kept: a
spoiled text counts as tried only if code finds as little fault with it as with the solution.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.box import OpenBox, configured_box
from specs import errors, layout, params
from specs.errors import Problem, UserError
from specs.records import Change, RubricItem, Task, Verifier, change_of
from specs.store import Store
from verifiers import judge
from verifiers.cases import Case, cases
from verifiers.grade import SOLVED, grade
from verifiers.judging import Judge, Judgement, judgement, question
from verifiers.playing import left
from verifiers.snapshot import View, view_of
from verifiers.spoiling import SPOILS

METRICS = layout.METRICS / "judge.json"
LEAST = 0.9  # of the pairs of each criterion that a judge must tell apart to be believed


@dataclass(frozen=True)
class Trial:
    """One question about one text: the solution's, or it spoiled in some way."""

    task: Task
    item: RubricItem
    view: View
    spoil: str  # empty for the solution's own text


def trials(task: Task, verifier: Verifier, outcome: Sequence[Change]) -> Iterator[Trial]:
    """For each criterion the solution's text and each way to spoil it that the criterion must notice and code does not."""
    view = view_of(task, outcome)
    for item in verifier.rubric:
        yield Trial(task, item, view, "")
        for spoil in item.spoiled_by:
            changed = spoiled(task, verifier, outcome, item.path, spoil)
            if changed is not None:
                yield Trial(task, item, view_of(task, changed), spoil)


def spoiled(task: Task, verifier: Verifier, outcome: Sequence[Change], path: str, spoil: str) -> tuple[Change, ...] | None:
    """The outcome with the text at `path` spoiled; None where that changes nothing, or where code finds fault with it."""
    own = tuple(c for c in verifier.checks if c.params.get("path") == path)
    about = dataclasses.replace(verifier, checks=own, protected=())
    text = view_of(task, outcome).read(path).decode("utf-8")
    limits = [c.params["max_words"] for c in own if c.params.get("max_words")]
    room = min(limits, default=200) - len(text.split())
    worse = SPOILS[spoil](text, room)
    changed = tuple(change_of(path, worse.encode(), c.mode) if c.path == path else c for c in outcome)
    return changed if worse != text and grade(task, about, changed).code >= SOLVED else None


def answers(
    found: Sequence[Trial], by: Judge, section: Mapping[str, Any], store: Store, folder: Path = judge.FOLDER
) -> list[Judgement | None]:
    """The judge's answer to each trial; None where its calls failed. Raises as verifiers.judge.judged does."""
    talks = [(t.task.id, judge.numbered(n, "", judgement(question(t.task, t.item, t.view), by))) for n, t in enumerate(found)]
    made = judge.answers(talks, section, store, folder)
    return [made.get((n, "")) for n in range(len(found))]


def summary(found: Sequence[Trial], made: Sequence[Judgement | None]) -> dict[str, Any]:
    """Counts and shares. A pair is a solution's text and one spoiled from it, under one criterion; told apart: yes to one, no to the other.

    `void` is the share of votes that could not be counted, `failed` the questions that could not be asked.
    """
    right = {(t.task.id, t.item.id): m for t, m in zip(found, made, strict=True) if not t.spoil and m is not None}
    by_criterion: dict[str, Counter[str]] = defaultdict(Counter)
    by_spoil: dict[str, Counter[str]] = defaultdict(Counter)
    for trial, answer in zip(found, made, strict=True):
        name = _criterion(trial.item)
        if answer is None:
            continue
        if not trial.spoil:
            by_criterion[name].update(solutions=1, solutions_yes=answer.met)
            continue
        own = right.get((trial.task.id, trial.item.id))
        if own is not None:
            for tally in (by_criterion[name], by_spoil[trial.spoil]):
                tally.update(pairs=1, apart=own.met and not answer.met, noticed=not answer.met)
    votes = [v for m in made if m is not None for v in m.votes]
    return {
        "tasks": len({t.task.id for t in found}),
        "questions": len(found),
        "failed": sum(m is None for m in made),
        "votes": len(votes),
        "void": round(sum(not v.answer for v in votes) / len(votes), 4) if votes else 0.0,
        "pairs": sum(c["pairs"] for c in by_criterion.values()),
        "apart": _share(sum(c["apart"] for c in by_criterion.values()), sum(c["pairs"] for c in by_criterion.values())),
        "criterion": {name: _row(by_criterion[name]) for name in sorted(by_criterion)},
        "spoil": {name: {k: v for k, v in _row(by_spoil[name]).items() if not k.startswith("solution")} for name in sorted(by_spoil)},
    }


def _criterion(item: RubricItem) -> str:
    """The criterion's name in its spec: the item's id without the step and the operation."""
    return item.id.rpartition("/")[2]


def _row(counts: Counter[str]) -> dict[str, Any]:
    return {
        "pairs": counts["pairs"],
        "apart": _share(counts["apart"], counts["pairs"]),
        "noticed": _share(counts["noticed"], counts["pairs"]),
        "solutions": counts["solutions"],
        "solutions_yes": _share(counts["solutions_yes"], counts["solutions"]),
    }


def _share(count: int, of: int) -> float:
    return round(count / of, 4) if of else 0.0


def chosen(wanted: int) -> list[Case]:
    """The first tasks with a rubric, in order of their ids, which are hashes."""
    found = [c for c in cases() if c.verifier.rubric]
    return sorted(found, key=lambda c: c.task.id)[:wanted]


def all_trials(cases: Iterable[Case], open_box: OpenBox) -> list[Trial]:
    """The trials of these tasks; their solutions are run in boxes."""
    return [t for case in cases for t in trials(case.task, case.verifier, left(case.task, case.solution.steps, open_box))]


def table(figures: Mapping[str, Any]) -> str:
    """The figures as lines of text."""
    lines = [f"{figures['tasks']} tasks, {figures['questions']} questions, {figures['pairs']} pairs, {figures['apart']:.1%} told apart"]
    lines.append(f"{figures['votes']} votes, {figures['void']:.1%} void; {figures['failed']} questions could not be asked")
    for part in ("criterion", "spoil"):
        lines += [f"  {n:<16} {r['pairs']:>4} pairs, {r['apart']:>6.1%} told apart" for n, r in figures[part].items() if r["pairs"]]
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    """Measure a judge; exit status 1 where it tells too few pairs of some criterion apart."""
    parser = argparse.ArgumentParser(prog="python -m verifiers.judge_scorecard", description="Measure a judge of rubrics.")
    parser.add_argument("--endpoint", required=True, metavar="URL", help="an OpenAI-compatible endpoint")
    parser.add_argument("--model", required=True, help="the model's name there")
    parser.add_argument("--tasks", type=int, default=40, help="tasks with a rubric that are tried")
    parser.add_argument("--write", action="store_true", help="write metrics/judge.json")
    args = parser.parse_args(argv)
    section = {**params.section(judge.STAGE), "endpoint": args.endpoint, "model": args.model}
    by = judge.judge_of(section)
    found = all_trials(chosen(args.tasks), configured_box())
    if by is None or not found:
        raise UserError(
            [Problem(str(layout.VERIFIERS), 1, 1, "", "no task has a rubric", "compile more tasks, or add a rubric to a template")]
        )
    figures = {"model": args.model, "votes_asked": by.votes, **summary(found, answers(found, by, section, Store()))}
    print(table(figures))
    if args.write:
        METRICS.parent.mkdir(exist_ok=True)
        METRICS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    poor = [n for n, r in figures["criterion"].items() if r["pairs"] and r["apart"] < LEAST]
    if poor:
        print(f"not to be believed on {', '.join(poor)}: fewer than {LEAST:.0%} told apart")
    return 1 if poor or figures["failed"] else 0


if __name__ == "__main__":
    errors.run(main)
