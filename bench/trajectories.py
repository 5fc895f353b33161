"""`make trajectories AGENT=... SPLIT=...`: a page for each rollout and one that lists them, in reports/trajectories/<agent>-<split>/.

A page says what was asked and given, what the agent said, called and got back, how the workspace differs at the end, and the verdict. All
of it is hostile text: escaped, its invisible characters shown, bounded. Pages are named by rollout ids, which are checked to be digests.
"""

from __future__ import annotations

import argparse
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import differences, played, templating
from bench.instances import title
from bench.played import Played, Source
from bench.texts import Clip, clip
from bench.turns import Talk, talk
from specs import digests, errors, layout, progress, shards
from specs.errors import Problem, UserError
from specs.hostile import text_of
from specs.records import CheckScore, File

MAX_BYTES = 2_000_000
BOUNDS = (12_000, 4_000, 1_500, 500, 150)  # characters of one text, tried in turn until a page is small enough
STYLES = ("common.css", "trajectory.css")


@dataclass(frozen=True)
class Given:
    """A file of the workspace as it was given; `text` is None where it is not text."""

    path: str
    size: int
    text: Clip | None


@dataclass(frozen=True)
class Looked:
    """A check of the verdict, with the demand behind it and its weight where the verifier is still the same."""

    score: CheckScore
    demand: str
    weight: float | None


@dataclass(frozen=True)
class Trajectory:
    """One rollout as its page shows it."""

    played: Played
    title: str
    given: tuple[Given, ...]
    skills: tuple[Given, ...]
    served: tuple[tuple[str, tuple[Given, ...]], ...]
    talk: Talk
    left: differences.Left
    checks: tuple[Looked, ...]
    record: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Row:
    """One rollout in the list."""

    id: str
    task: str
    title: str
    category: str
    difficulty: int
    attempt: int
    state: str
    score: float
    ending: str
    turns: int
    tool_calls: int
    tokens: int
    seconds: float


@dataclass(frozen=True)
class Place:
    """Where a page stands: the list that it is one of (empty: there is none) and its neighbours there."""

    listed: str = ""
    before: str = ""
    after: str = ""


def trajectory(one: Played, bound: int) -> Trajectory:
    """The rollout with no text longer than `bound` characters."""
    task = one.task
    files = task.workspace if task else ()
    return Trajectory(
        one,
        title(task.instruction) if task else f"Task {one.rollout.task}",
        tuple(_given(f, bound) for f in files if not f.path.startswith(".skills/")),
        tuple(_given(f, bound) for f in files if f.path.startswith(".skills/")),
        tuple((s.kind, tuple(_given(f, bound) for f in s.files)) for s in task.services) if task else (),
        talk(one.rollout.messages, bound),
        differences.left(files, one.rollout.changes, bound),
        tuple(_checks(one)),
        tuple(_record(one)),
    )


def _given(file: File, bound: int) -> Given:
    text = text_of(file.content)
    return Given(file.path, len(file.content), None if text is None else clip(text, bound))


def _checks(one: Played) -> list[Looked]:
    known = {c.id: (c.demand, c.weight) for c in one.verifier.checks} if one.verifier else {}
    known |= {r.id: ("", r.weight) for r in one.verifier.rubric} if one.verifier else {}
    return [Looked(c, *known.get(c.id, ("", None))) for c in one.attempt.verdict.checks] if one.attempt.verdict else []


def _record(one: Played) -> list[tuple[str, str]]:
    """What names the rollout and all that it depends on."""
    r, verdict = one.rollout, one.attempt.verdict
    parts = [
        ("Rollout", r.id),
        ("Agent", f"{r.agent}, attempt {r.attempt + 1}"),
        ("Task", r.task),
        ("Its digest", r.task_digest),
        *_flat("Harness", r.harness),
        *_flat("Policy", r.policy),
        *_flat("Sampling", r.sampling),
        ("Tokens", f"{r.usage.prompt_tokens:,} of prompts, {r.usage.completion_tokens:,} of completions, in {len(r.calls):,} calls"),
    ]
    if verdict:
        parts += [("Verdict", verdict.id), ("Verifier", verdict.verifier_digest)]
    return [(name, value[:2_000]) for name, value in parts]


def _flat(name: str, value: Any) -> list[tuple[str, str]]:
    """A free-form field as rows: one a key where it has keys."""
    if not isinstance(value, Mapping) or not value:
        return [(name, digests.canonical(value))]
    said = {k: v if isinstance(v, str) else digests.canonical(v) for k, v in value.items()}
    lead = {k: said.pop(k) for k in ("name", "version") if k in said}
    rows = [(name, " ".join(lead.values()))] if lead else []
    return rows + [(f"{name}: {k}", v) for k, v in said.items()]


def page(one: Played, place: Place = Place()) -> str:
    """The rollout's page, its texts clipped so far that it stays below MAX_BYTES (or as far as BOUNDS goes)."""
    html = ""
    for bound in BOUNDS:
        html = templating.page("trajectory.html.j2", STYLES, t=trajectory(one, bound), place=place)
        if len(html.encode()) <= MAX_BYTES:
            break
    return html


def row(one: Played) -> Row:
    """The rollout as a row of the list."""
    r, a, task = one.rollout, one.attempt, one.task
    return Row(
        r.id,
        r.task,
        title(task.instruction) if task else "a task that is gone, or another by now",
        task.category if task else "",
        task.difficulty if task else 0,
        r.attempt,
        a.state,
        a.score,
        a.ending,
        r.usage.turns,
        r.usage.tool_calls,
        r.usage.prompt_tokens + r.usage.completion_tokens,
        r.seconds,
    )


def index(of: Source, listed: Sequence[Row]) -> str:
    """The page that lists rollouts, in the order given until a reader sorts it otherwise."""
    graded = [r for r in listed if r.state != "error"]
    return templating.page(
        "trajectories.html.j2",
        STYLES,
        "trajectories.js",
        agent=of.agent,
        split=of.split,
        rows=listed,
        endings=sorted(Counter(r.ending for r in listed).items()),
        categories=sorted({r.category for r in listed if r.category}),
        figures=_figures(listed, graded),
    )


def _figures(listed: Sequence[Row], graded: Sequence[Row]) -> list[tuple[str, str]]:
    def mean(values: Sequence[float], form: str = ",.1f") -> str:
        return f"{sum(values) / len(values):{form}}" if values else "–"

    return [
        (f"{len(listed):,}", "rollouts"),
        (f"{sum(r.state == 'solved' for r in listed):,}", "solved"),
        (mean([r.score for r in graded], ".3f"), "mean score"),
        (f"{len(listed) - len(graded):,}", "errors, in no score"),
        (mean([r.turns for r in listed]), "turns, mean"),
        (mean([r.tool_calls for r in listed]), "tool calls, mean"),
        (mean([r.tokens for r in listed], ",.0f"), "tokens, mean"),
        (mean([r.seconds for r in listed]), "seconds, mean"),
    ]


def order(of: Source) -> list[str]:
    """The ids of the rollouts as they are listed: by category, task and attempt."""
    categories = {r["id"]: r["category"] for r in shards.columns(layout.TASKS, ("id", "category"))} if layout.TASKS.is_dir() else {}
    known = played.rows(of, ("task", "attempt"))
    return [r["id"] for r in sorted(known, key=lambda r: (categories.get(r["task"], ""), r["task"], r["attempt"], r["id"]))]


def write(of: Source, to: Path) -> int:
    """All pages and the list into `to`, in place of what is there; returns how many rollouts there are."""
    ids = order(of)
    places = {i: Place(f"{of.agent} on {of.split}", *around) for i, *around in zip(ids, ["", *ids], [*ids[1:], ""], strict=False)}
    if to.exists():
        shutil.rmtree(to)
    to.mkdir(parents=True)
    listed: dict[str, Row] = {}
    with progress.track(f"trajectories {of.agent}", len(ids)) as advance:
        for one in played.played(of, ids):
            identity = one.rollout.id
            listed[identity] = row(one)
            (to / f"{identity}.html").write_text(page(one, places[identity]), encoding="utf-8")
            advance()
    (to / "index.html").write_text(index(of, [listed[i] for i in ids]), encoding="utf-8")
    return len(listed)


def write_some(of: Source, to: Path, identity: str) -> list[Path]:
    """The pages of the rollouts whose own id or whose task's begins with `identity`. Raises UserError where there is none."""
    known = [r["id"] for r in played.rows(of, ("task",)) if identity and (r["id"].startswith(identity) or r["task"].startswith(identity))]
    if not known:
        raise UserError([Problem(of.rollouts.as_posix(), 1, 1, "ID", f"no rollout or task here begins with {identity!r}")])
    to.mkdir(parents=True, exist_ok=True)
    made = []
    for one in played.played(of, known):
        made.append(to / f"{one.rollout.id}.html")
        made[-1].write_text(page(one), encoding="utf-8")
    return made


def main(argv: Sequence[str]) -> int:
    """Write the pages and say where they are."""
    parser = argparse.ArgumentParser(prog="python -m bench.trajectories", description="A page for each rollout of an agent.")
    parser.add_argument("--agent", required=True, help="an agent of params.yaml, or a run of make bench")
    parser.add_argument("--split", default="bench", help="train or bench")
    parser.add_argument("--id", help="only rollouts whose id, or whose task's, begins with this")
    args = parser.parse_args(argv)
    of = played.source(args.agent, args.split)
    to = layout.TRAJECTORIES / f"{of.agent}-{of.split}"
    if args.id is not None:
        print(*write_some(of, to, args.id), sep="\n")
        return 0
    print(f"{to / 'index.html'}: {write(of, to):,} rollouts")
    return 0


if __name__ == "__main__":
    errors.run(main)
