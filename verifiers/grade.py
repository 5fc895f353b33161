"""Grading: a verifier's checks over the snapshot of each rollout. A corrected verifier grades old rollouts anew.

Rubrics are taken into the verdicts by `verifiers.judge`, which runs next.

`python -m verifiers.grade --agent NAME --split SPLIT` is the stage; `--rollouts DIR --out DIR --agent NAME` grades any folder.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.backends import Sandbox, configured
from sandbox.box import OpenBox
from specs import digests, errors, layout, params, progress, rows, shards
from specs.errors import BoundaryError, Problem, UserError
from specs.records import Change, Check, CheckScore, Failure, Rollout, Task, Verdict, Verifier
from specs.store import Store
from verifiers.apart import Exceeded, Graders
from verifiers.parallel import finished
from verifiers.snapshot import Fault, View, view_of

SOLVED = 1.0 - 1e-9
Row = dict[str, Any]  # some columns of a record
HERE = Path(__file__).parent
_GRADING = (
    "grade.py",
    "apart.py",
    "grader.py",
    "wire.py",
    "snapshot.py",
    "reading.py",
    "parsing.py",
    "tables.py",
    "package.py",
    "runner.py",
    "testrunner.py",
    "kinds/*.py",
    "kinds/*.schema.json",
)


@dataclass(frozen=True)
class Graded:
    """What the checks say: `code` and `score` from 0 to 1 (equal: no rubric is in them), each check, and whether all is right."""

    score: float
    code: float
    checks: tuple[CheckScore, ...]
    solved: bool


@dataclass(frozen=True)
class Work:
    """What of a rollout is graded: how it ended and what it changed. The conversation, which is nearly all of it, is not read."""

    id: str
    task: str
    agent: str
    status: str
    error: Failure | None
    changes: tuple[Change, ...]


@functools.cache
def kinds() -> tuple[str, ...]:
    """The kinds of checks there are: the modules of verifiers/kinds."""
    return tuple(sorted(p.stem for p in (HERE / "kinds").glob("*.py") if p.stem != "__init__"))


@functools.cache
def code_digest() -> str:
    """Digest of all code that a verdict depends on."""
    paths = sorted(p for pattern in _GRADING for p in HERE.glob(pattern))
    return digests.digest([[p.relative_to(HERE).as_posix(), digests.of_bytes(p.read_bytes())] for p in paths])


def grade(task: Task, verifier: Verifier, changes: Iterable[Change], open_box: OpenBox | None = None) -> Graded:
    """The weighted mean of the checks times all gates (weight 0); 0 where a protected file was changed.

    Raises BoundaryError: "box" where code could not be run, "grader" where a check itself failed.
    MemoryError where this process is bounded and the checks need more.
    """
    return grade_view(view_of(task, changes, open_box), verifier)


def grade_view(view: View, verifier: Verifier) -> Graded:
    """As `grade`, of a workspace that is at hand as a whole."""
    scores = [_scored(check, view) for check in verifier.checks]
    if not any(c.weight > 0 for c in verifier.checks):
        raise BoundaryError("grader", f"the verifier of task {view.task.id} has no check with a weight")
    code = combined((c.weight, s.score) for c, s in zip(verifier.checks, scores, strict=True))
    for item in verifier.protected:
        if view.digest(item.path) != item.digest:
            scores.append(CheckScore(f"protected:{item.path}", "protected", 0.0, f"{item.path} was to be left alone"))
            code = 0.0
    return Graded(code, code, tuple(scores), code >= SOLVED)


def combined(scores: Iterable[tuple[float, float]]) -> float:
    """What checks come to, given (weight, score) of each: the weighted mean times all gates; 1 for none at all."""
    pairs = list(scores)
    total = sum(weight for weight, _ in pairs)
    mean = sum(weight * score for weight, score in pairs) / total if total else 1.0
    return mean * math.prod(score for weight, score in pairs if weight == 0)


def _scored(check: Check, view: View) -> CheckScore:
    run = _kind(check.kind)
    try:
        score, why = run(check.params, view)
    except Fault as fault:
        score, why = 0.0, str(fault)
    except (BoundaryError, MemoryError):
        raise
    except Exception as error:  # whatever a check raises is the check's fault, and never a reward
        raise BoundaryError("grader", f"check {check.id} ({check.kind}): {type(error).__name__}: {error}") from error
    return CheckScore(check.id, check.kind, min(1.0, max(0.0, score)), why)


def grade_apart(graders: Graders, task: Task, verifier: Verifier, changes: Iterable[Change]) -> Graded:
    """As `grade`, in a process of its own; 0 with the reason where the checks run into its limits. Raises BoundaryError."""
    try:
        return rows.from_row(Graded, graders.ask(task, verifier, changes))
    except Exceeded as limit:
        return Graded(0.0, 0.0, (CheckScore("limit", "limit", 0.0, str(limit)),), False)


def _kind(name: str) -> Callable[..., tuple[float, str]]:
    if name not in kinds():
        raise BoundaryError("grader", f"there is no kind of check '{name}'")
    check: Callable[..., tuple[float, str]] = importlib.import_module(f"verifiers.kinds.{name}").check
    return check


def key(rollout: str, verifier_digest: str) -> str:
    """A verdict's id: what it depends on, the rollout by its id."""
    return digests.digest([rollout, verifier_digest, code_digest()])


def verdict(task: Task, verifier: Verifier, rollout: Rollout | Work, graders: Graders) -> Verdict:
    """The verdict on one rollout; a failure of the machinery, the rollout's or the grader's own, has status error and score 0."""
    failure, graded = rollout.error, None
    if rollout.status != "error":
        try:
            graded = grade_apart(graders, task, verifier, rollout.changes)
        except BoundaryError as error:
            failure = Failure(error.boundary, str(error))
    return Verdict(
        id=key(rollout.id, verifier.digest),
        rollout=rollout.id,
        task=task.id,
        agent=rollout.agent,
        verifier_digest=verifier.digest,
        status="graded" if graded else "error",
        error=None if graded else failure,
        score=graded.score if graded else 0.0,
        code=graded.code if graded else 0.0,
        rubric=None,
        solved=graded.solved if graded else False,
        checks=graded.checks if graded else (),
        judging="not judged" if verifier.rubric else "no rubric",
    )


def run(rollouts: Path, out: Path, agent: str, workers: int, store: Store, sandbox: Sandbox) -> dict[str, int]:
    """Grade all rollouts of a folder that are not graded yet, and write the verdicts of exactly these; counts by status.

    In memory are the ids of all of them, and one part of them with its tasks. Raises UserError where a rollout's task is gone, or where
    there are no rollouts.
    """
    found = list(shards.columns(layout.present(rollouts, f"run the rollout stage for {agent} first"), ("id", "task", "task_digest")))
    tasks = {t["id"]: t for t in shards.columns(layout.TASKS, ("id", "digest", "split"))}
    verifiers = {v["id"]: v["digest"] for v in shards.columns(layout.VERIFIERS, ("id", "digest"))}
    _refuse_strangers(rollouts, found, tasks, verifiers)
    keys = {r["id"]: key(r["id"], verifiers[r["task"]]) for r in found}
    missing = set(store.missing("grade", keys.values()))
    todo = [r for r, verdict_id in keys.items() if verdict_id in missing]
    failed: dict[str, Verdict] = {}
    with Graders(workers, sandbox=sandbox) as graders, progress.track(f"grade {agent}", len(todo)) as advance:
        for part in shards.parts(shards.read(rollouts, Work, ids=todo)):
            for made in _verdicts(part, graders, workers):
                if made.status == "graded":
                    store.put("grade", made.id, made)
                else:
                    failed[made.id] = made  # not kept: errors are tried again
                advance()
    ordered = sorted((tasks[r["task"]]["split"], keys[r["id"]]) for r in found)
    with shards.Writer(out, Verdict) as writer:
        return _written(ordered, failed, store, writer)


def _verdicts(part: Sequence[Work], graders: Graders, workers: int) -> Iterator[Verdict]:
    """Verdicts on these rollouts, as they come."""
    tasks, verifiers = looked_up(part)

    def judge(rollout: Work) -> Verdict:
        return verdict(tasks[rollout.task], verifiers[rollout.task], rollout, graders)

    yield from (made for _, made in finished(judge, part, workers))


def looked_up(part: Sequence[Work]) -> tuple[dict[str, Task], dict[str, Verifier]]:
    """The tasks of these rollouts and their verifiers, by the task's id."""
    ids = {r.task for r in part}
    return shards.by_id(layout.TASKS, Task, ids), shards.by_id(layout.VERIFIERS, Verifier, ids)


def _written(ordered: Iterable[tuple[str, str]], failed: Mapping[str, Verdict], store: Store, writer: shards.Writer) -> dict[str, int]:
    """Write the verdicts of these (split, id), of which those that did not fail are in the store; counts by status."""
    counts = {"graded": 0, "errors": 0, "solved": 0}
    for split, identity in ordered:
        row = rows.to_row(failed[identity]) if identity in failed else store.kept("grade", identity)
        writer.add(split, row)
        counts["graded"] += row["status"] == "graded"
        counts["errors"] += row["status"] == "error"
        counts["solved"] += row["solved"]
    return counts


def _refuse_strangers(root: Path, rollouts: Iterable[Row], tasks: Mapping[str, Row], verifiers: Mapping[str, str]) -> None:
    """Rollouts of tasks that are gone, or that were others when they were run, can't be graded."""
    gone, changed = {}, {}
    for task, digest in ((r["task"], r["task_digest"]) for r in rollouts):
        if not (task in tasks and task in verifiers):
            gone[task] = "a rollout of a task that is not in the dataset"
        elif digest != tasks[task]["digest"]:
            changed[task] = "a rollout of a task that has changed since"
    if gone or changed:
        raise UserError(Problem(str(root), 1, 1, i, what, "run the rollout stage again") for i, what in {**changed, **gone}.items())


def places(parser: argparse.ArgumentParser, argv: Sequence[str], verdicts: str) -> tuple[str, Path, Path]:
    """The agent, its rollouts and its verdicts: those of a split, or of folders, of which the option `verdicts` names the second."""
    parser.add_argument("--agent", required=True)
    parser.add_argument("--split", choices=["train", "bench"])
    parser.add_argument("--rollouts", type=Path, metavar="DIR", help="a folder of rollout shards, in place of a split")
    parser.add_argument(verdicts, dest="verdicts", type=Path, metavar="DIR", help="the folder of the verdicts on them")
    args = parser.parse_args(argv)
    if (args.split is None) == (args.rollouts is None) or (args.rollouts is None) != (args.verdicts is None):
        parser.error(f"give either --split, or --rollouts and {verdicts}")
    found = args.rollouts or layout.rollouts(args.agent, args.split)
    return args.agent, found, args.verdicts or layout.verdicts(args.agent, args.split)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m verifiers.grade", description="Grade an agent's rollouts.")
    agent, rollouts, out = places(parser, argv, "--out")
    counts = run(rollouts, out, agent, params.section("grade")["workers"], Store(), configured())
    print(f"{agent}: {counts['graded']} graded, {counts['solved']} solved, {counts['errors']} errors -> {out}")
    return 0


if __name__ == "__main__":
    errors.run(main)
