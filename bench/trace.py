"""`make trace ID=...`: walk a task, a rollout, a verdict or a model back to its YAML lines and on to its scores.

Every link of the chain that no longer fits what is in the working tree is called stale, with the reason.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from bench import chain, reading
from bench.chain import Row
from bench.origins import Origin, origin
from bench.texts import plain
from sandbox.served import digest_of_model
from specs import errors, layout, shards
from specs.errors import UserError
from specs.records import Provenance, Scorecard, Task

WIDTH = 180  # where nobody looks: paths stay whole
KINDS = ("persona", "scenario", "skill", "operation", "domain", "template", "noise", "wording")
LISTED = 40
SOLVED = 1.0 - 1e-9


@dataclass(frozen=True)
class Walk:
    """What all branches of one trace look up, read once: digests by id, the checkpoints, metrics/bench.json, the selection."""

    tasks: dict[str, str]
    verifiers: dict[str, str]
    checkpoints: list[chain.Checkpoint]
    metrics: dict[str, Any]
    selection: reading.Selection | None


def _walk() -> Walk:
    return Walk(
        chain.digests_of(layout.TASKS),
        chain.digests_of(layout.VERIFIERS),
        chain.checkpoints(),
        reading.metrics("bench"),
        reading.selection() if layout.SELECTION.is_file() else None,
    )


def say(*parts: tuple[str, str]) -> Text:
    """A line of (text, style) parts, in which nothing is markup and nothing invisible."""
    return Text.assemble(*((plain(text), style) for text, style in parts))


def _stale(why: str) -> tuple[str, str]:
    return (f"  stale: {why}", "bold yellow")


def trace(identity: str) -> Tree:
    """The tree of all that is known of an id or its beginning. Raises UserError where it stands for nothing or several things."""
    target = chain.resolve(identity)
    walk = _walk()
    if target.kind == "task":
        tree = Tree(say(("task ", "bold"), (target.id, "cyan")))
        task_branch(tree, target.id, walk)
        worked = tree.add(say(("rollouts", "bold")))
        rollouts_branch(worked, chain.rollouts(lambda r: r["task"] == target.id), walk)
        trained_branch(tree, "task", target.id, walk)
        return tree
    if target.kind == "model":
        return model_tree(target.id, walk)
    tree = Tree(say((f"{target.kind} ", "bold"), (target.id, "cyan")))
    wanted = target.id if target.kind == "rollout" else chain.verdicts(lambda v: v["id"] == target.id)[0]["rollout"]
    rows = chain.rollouts(lambda r: r["id"] == wanted)
    if not rows:
        tree.add(say(("rollout ", ""), (wanted, "cyan"), _stale("it is gone")))
        return tree
    rollouts_branch(tree, rows, walk)
    task = tree.add(say(("task ", "bold"), (rows[0]["task"], "cyan")))
    task_branch(task, rows[0]["task"], walk)
    return tree


def task_branch(tree: Tree, identity: str, walk: Walk) -> None:
    """What the task is, which YAML entries it came from, its scorecard, the sets that it is in."""
    task = shards.find(layout.TASKS, Task, identity) if identity in walk.tasks else None
    if task is None:
        tree.add(say(("gone: no such task in data/tasks", "bold yellow")))
        return
    filed = f"{task.split}, {task.route} route, {task.category}, difficulty {task.difficulty}"
    tree.add(say(("filed under  ", "dim"), (filed, "")))
    tree.add(say(("instruction  ", "dim"), (" ".join(task.instruction.split())[:150], "")))
    provenance = shards.find(layout.PROVENANCE, Provenance, identity) if layout.PROVENANCE.is_dir() else None
    if provenance is None:
        tree.add(say(("no provenance", "bold yellow")))
    else:
        _provenance(tree, provenance)
    _scorecard(tree, task, walk)
    sets = walk.selection.sets_of(identity) if walk.selection else ()
    tree.add(say(("selected for ", "dim"), (", ".join(sets) or "nothing", "")))


def _provenance(tree: Tree, provenance: Provenance) -> None:
    came = tree.add(say(("came from", "bold")))
    origins = [origin(ref) for ref in provenance.specs]
    for place in sorted(origins, key=lambda o: (KINDS.index(o.kind) if o.kind in KINDS else len(KINDS), o.ref.name)):
        came.add(entry(place))
    versions = provenance.versions if isinstance(provenance.versions, dict) else {"versions": provenance.versions}
    said = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    tree.add(say(("made with    ", "dim"), (f"seed {provenance.seed}; {said}; wording {provenance.wording}", "")))


def entry(place: Origin) -> Text:
    """One YAML entry: its name, path and line; for a changed or vanished one, the commit in which it stood."""
    ref = place.ref
    start = [(f"{place.kind:<10}", "dim"), (f"{ref.name}  ", "")]
    if place.state == "here":
        return say(*start, (f"{ref.path}:{place.line}", "green"))
    where = f"{ref.path}:{place.line} in {place.commit[:12]}" if place.commit else f"{ref.path}, not in the history either"
    why = f"changed since (now line {place.now})" if place.state == "changed" else "gone"
    return say(*start, (where, "green" if place.commit else "red"), _stale(why))


def _scorecard(tree: Tree, task: Task, walk: Walk) -> None:
    card = shards.find(layout.SCORECARDS, Scorecard, task.id) if layout.SCORECARDS.is_dir() else None
    if card is None:
        tree.add(say(("scorecard    ", "dim"), ("none: not audited", "yellow")))
        return
    caught = sum(m.score < SOLVED for m in card.mutants)
    passed = sum(e.score >= SOLVED for e in card.equivalents)
    figures = f"solution {card.solution:g}, untouched {card.untouched:g}, "
    figures += f"{caught} of {len(card.mutants)} mutants fail, {passed} of {len(card.equivalents)} equivalents pass"
    old = card.task_digest != task.digest or card.verifier_digest != walk.verifiers.get(task.id)
    late = [_stale("of an earlier task or verifier")] if old else []
    rejected = [(f"  rejected: {card.rejected}", "bold red")] if card.rejected else []
    tree.add(say(("scorecard    ", "dim"), (figures, ""), *rejected, *late))


def rollouts_branch(tree: Tree, rows: Sequence[Row], walk: Walk) -> None:
    """Rollouts with their verdicts, the checkpoints trained on them, their place in metrics, and what is stale of each."""
    wanted = {row["id"] for row in rows}
    judged = chain.verdicts(lambda v: v["rollout"] in wanted)
    if not rows:
        tree.add(say(("none", "dim")))
    for row in sorted(rows, key=lambda r: (r["folder"], r["attempt"], r["id"])):
        branch = tree.add(_rollout(row, walk))
        own = [v for v in judged if v["rollout"] == row["id"]]
        for verdict in own:
            branch.add(_verdict(verdict, walk))
        if not own:
            branch.add(say(("no verdict", "yellow")))
        trained_branch(branch, "rollout", row["id"], walk)
        figure = walk.metrics.get(row["agent"])
        if figure and row["folder"] == layout.rollouts(row["agent"], "bench").as_posix() and figure.get("n"):
            counted = f"{row['agent']} {figure['score']:.3f} over {figure['n']} instances"
            branch.add(say(("counted in   ", "dim"), ("metrics/bench.json: ", ""), (counted, "")))


def _rollout(row: Row, walk: Walk) -> Text:
    ended = row["status"] + (f" ({row['limit']})" if row["limit"] else "")
    if row["error"]:
        ended += f" ({row['error']['boundary']}: {row['error']['message'][:100]})"
    task = walk.tasks.get(row["task"])
    late = [] if task == row["task_digest"] else [_stale("the task is gone" if task is None else "the task has changed")]
    parts = [("rollout ", "dim"), (row["id"], "cyan"), (f"  {row['agent']}", "bold"), (f", {ended}, {row['seconds']:.1f} s", "")]
    return say(*parts, (f"  {row['folder']}", "dim"), *late)


def _verdict(row: Row, walk: Walk) -> Text:
    if row["status"] == "error":
        failure = row["error"] or {"boundary": "grader", "message": "no reason recorded"}
        result = (f"  error ({failure['boundary']}: {failure['message'][:100]})", "red")
    else:
        result = (f"  {row['score']:.3f}{' solved' if row['solved'] else ''}", "green" if row["solved"] else "")
    now = walk.verifiers.get(row["task"])
    late = [] if now == row["verifier_digest"] else [_stale("the verifier is gone" if now is None else "the verifier has changed")]
    return say(("verdict ", "dim"), (row["id"], "cyan"), result, *late)


def trained_branch(tree: Tree, kind: str, identity: str, walk: Walk) -> None:
    """The checkpoints whose trained_on.json names this rollout or task."""
    for checkpoint in walk.checkpoints:
        if identity in (checkpoint.rollouts if kind == "rollout" else checkpoint.tasks):
            tree.add(say(("trained      ", "dim"), (f"models/{checkpoint.name}", "magenta")))


def model_tree(name: str, walk: Walk) -> Tree:
    """A checkpoint: its parents, the rollouts and tasks that it was trained on, what it did itself and scored."""
    by_name = {c.name: c for c in walk.checkpoints}
    tree = Tree(say(("model ", "bold"), (f"models/{name}", "magenta")))
    _parents(tree, name, by_name)
    checkpoint = by_name[name]
    if checkpoint.rollouts or checkpoint.tasks:
        _trained_on(tree, checkpoint, walk)
    else:
        tree.add(say(("trained on nothing that is recorded here", "dim")))
    did = chain.rollouts(lambda r: r["agent"] == name)
    branch = tree.add(say(("its rollouts ", "bold"), (str(len(did)), "")))
    own = _digest(name)
    if own and any(row["policy"].get("digest") != own for row in did):
        branch.add(say(("some are of other weights", ""), _stale("roll out again")))
    rollouts_branch(branch, did[:LISTED], walk)
    figure: dict[str, Any] = walk.metrics.get(name, {})
    if figure.get("n"):
        score = f"{figure['score']:.3f}, solved {figure['solved']:.0%} of {figure['n']}"
        tree.add(say(("scores       ", "dim"), (f"{score} (metrics/bench.json)", "")))
    return tree


def _digest(name: str) -> str:
    try:
        return digest_of_model(layout.model(name))
    except UserError:  # a folder without weights: dvc has not fetched them
        return ""


def _parents(tree: Tree, name: str, by_name: dict[str, chain.Checkpoint]) -> None:
    seen = {name}
    while by_name[name].parent and by_name[name].parent not in seen:
        parent, wanted = by_name[name].parent, by_name[name].parent_digest
        now = _digest(parent)
        late = [] if now in ("", wanted) else [_stale("the parent has changed")]
        absent = [("  weights not here", "yellow")] if not now else []
        tree.add(say(("trained from ", "dim"), (f"models/{parent}", "magenta"), (f"  {wanted[:12]}", "dim"), *late, *absent))
        if parent not in by_name:
            return
        seen.add(parent)
        name = parent


def _trained_on(tree: Tree, checkpoint: chain.Checkpoint, walk: Walk) -> None:
    names = set(checkpoint.rollouts)
    rows = {row["id"]: row for row in chain.rollouts(lambda r: r["id"] in names)}
    scores = {v["rollout"]: v for v in chain.verdicts(lambda v: v["rollout"] in names)}
    branch = tree.add(say(("trained on   ", "bold"), (f"{len(names)} rollouts, {len(checkpoint.tasks)} tasks", "")))
    gone = [i for i in checkpoint.rollouts if i not in rows]
    if gone:
        branch.add(say((f"{len(gone)} of its rollouts are not here any more", ""), _stale("train again")))
    for identity in [i for i in checkpoint.rollouts if i in rows][:LISTED]:
        below = branch.add(_rollout(rows[identity], walk))
        below.add(say(("task ", "dim"), (rows[identity]["task"], "cyan")))
        if identity in scores:
            below.add(_verdict(scores[identity], walk))
    if len(rows) > LISTED:
        branch.add(say((f"and {len(rows) - LISTED} more, in models/{checkpoint.name}/trained_on.json", "dim")))
    covered = {row["task"] for row in rows.values()}
    for identity in [t for t in checkpoint.tasks if t not in covered][:LISTED]:
        late = [] if identity in walk.tasks else [_stale("the task is gone")]
        branch.add(say(("task ", "dim"), (identity, "cyan"), *late))


def main(argv: Sequence[str]) -> int:
    """Print the trace of one id."""
    parser = argparse.ArgumentParser(prog="python -m bench.trace", description="Where an artifact came from, and where it went.")
    parser.add_argument("id", metavar="ID", help="a task's, rollout's or verdict's id or its beginning, or a model's name")
    identity = parser.parse_args(argv).id
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(trace(identity), soft_wrap=False)
    return 0


if __name__ == "__main__":
    errors.run(main)
