"""Stage report: one self-contained page about the bench.

What agents wrote is hostile text: autoescaped, its invisible characters shown, and the page's own policy runs no script but ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench import rates, reading, templating
from bench.instances import Instance, instance
from bench.reading import Attempt
from specs import errors, layout, params, shards
from specs.records import Scorecard, Task

MAX_BYTES = 4_500_000
BOUNDS = (6000, 3000, 1500, 800, 400, 200)  # characters of one text, tried in turn until the page is small enough
ABOUT = {
    "untouched": "claims and does nothing",
    "echo": "writes the instruction into each file asked for",
    "teacher": "plays the reference solution, in several styles",
    "base": "the model as it came",
    "sft": "fine-tuned on solved rollouts",
    "rl": "reinforced by verdicts",
}
MATRICES = (
    ("category", "By category", "Category"),
    ("difficulty", "By difficulty", "Difficulty"),
    ("kind", "By kind of check", "Kind of check"),
)


def page(title: str, figures: Mapping[str, Any], instances: Sequence[Instance], sources: Mapping[str, Mapping[str, Any]]) -> str:
    """The page as HTML. `figures` are evaluate's by agent; `sources` other nested figures by heading, left out where empty."""
    return templating.page(
        "report.html.j2",
        ("common.css", "report.css"),
        "report.js",
        title=title,
        figures=figures,
        about=ABOUT,
        matrices=[(name, heading, corner, matrix(figures, name)) for name, heading, corner in MATRICES],
        endings={agent: endings(figure["status"]) for agent, figure in figures.items()},
        sources=[(name, *tiles(value)) for name, value in sources.items() if value],
        instances=instances,
        categories=sorted({i.task.category for i in instances}),
        shared=max((f["shared"]["n"] for f in figures.values()), default=0),
        weak=sum((Counter(f.get("weak", {})) for f in figures.values()), Counter[str]()),
        unjudged=sum(f.get("not_judged", 0) for f in figures.values()),
    )


def matrix(figures: Mapping[str, Any], part: str) -> list[tuple[str, list[dict[str, float]]]]:
    """Rows of (name, one cell an agent); a cell is evaluate's summary, n 0 where the agent took none."""
    names = sorted({name for figure in figures.values() for name in figure[part]})
    return [(name, [figure[part].get(name, {"n": 0}) for figure in figures.values()]) for name in names]


def endings(status: Mapping[str, int]) -> list[tuple[str, str, int, float]]:
    """(kind, name, count, share) of each way that rollouts ended; kind is completed, limit or error."""
    total = sum(status.values())
    order = ("completed", "limit", "error")
    parts = [(name.split(":")[0], name, count, count / total) for name, count in status.items()]
    return sorted(parts, key=lambda p: (order.index(p[0]) if p[0] in order else len(order), p[1]))


@dataclass(frozen=True)
class Material:
    """What the page's instances are made of; scorecards by task."""

    tasks: tuple[Task, ...]
    attempts: tuple[Attempt, ...]
    cards: Mapping[str, Scorecard]


@dataclass(frozen=True)
class Group:
    """Figures under one heading: rows of a name and as many values as there are `columns` (one, nameless, for plain figures)."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Any, ...]], ...]

    @property
    def top(self) -> float:
        """The largest value where the rows can be drawn as bars, else 0."""
        values = [v for _, row in self.rows for v in row]
        return max(values) if len(self.columns) == 1 and all(isinstance(v, int | float) for v in values) else 0.0


def tiles(metrics: Mapping[str, Any]) -> tuple[list[tuple[str, Any]], list[Group]]:
    """Nested figures of any shape as single figures and groups of figures, whatever the depth."""
    single = [(_label(k), v) for k, v in metrics.items() if not isinstance(v, Mapping)]
    groups: list[Group] = []
    for key, value in metrics.items():
        if isinstance(value, Mapping) and value:
            groups += _groups(_label(key), value)
    return single, groups


def _groups(name: str, value: Mapping[str, Any]) -> list[Group]:
    shapes = {tuple(v) if isinstance(v, Mapping) else None for v in value.values()}
    shape = next(iter(shapes)) if len(shapes) == 1 else None
    if shape and not any(isinstance(v, Mapping) for row in value.values() for v in row.values()):
        return [Group(name, tuple(map(_label, shape)), tuple((_label(k), tuple(row.values())) for k, row in value.items()))]
    single, below = tiles(value)
    own = [Group(name, ("",), tuple((k, (v,)) for k, v in single))] if single else []
    return own + [Group(f"{name}: {g.name}", g.columns, g.rows) for g in below]


def _label(key: str) -> str:
    return str(key).replace("_", " ")


def fitted(title: str, figures: Mapping[str, Any], material: Material, sources: Mapping[str, Mapping[str, Any]]) -> str:
    """The page with texts clipped so far that it stays below MAX_BYTES (or as far as BOUNDS goes)."""
    ordered = sorted(material.tasks, key=lambda t: (t.category, t.difficulty, t.id))
    html = ""
    for bound in BOUNDS:
        shown = [instance(t, [a for a in material.attempts if a.task == t.id], figures, material.cards.get(t.id), bound) for t in ordered]
        html = page(title, figures, shown, sources)
        if len(html.encode()) <= MAX_BYTES:
            break
    return html


def build(title: str, figures: Mapping[str, Any], attempts: Iterable[Attempt], ids: Iterable[str]) -> str:
    """The page about bench instances `ids`; tasks, scorecards and the dataset's metrics are read from where stages left them."""
    wanted = list(ids)
    tasks = tuple(shards.read(layout.TASKS, Task, "bench", wanted))
    cards = {c.id: c for c in shards.read(layout.SCORECARDS, Scorecard, ids=wanted)} if layout.SCORECARDS.is_dir() else {}
    sources = {"Dataset": reading.metrics("dataset"), "Scorecards": rates.readable(reading.metrics("scorecard"))}
    return fitted(title, figures, Material(tasks, tuple(attempts), cards), sources)


def main(argv: Sequence[str]) -> int:
    """Write reports/bench.html from metrics/bench.json, the selection, and the agents' rollouts and verdicts."""
    layout.present(layout.METRICS / "bench.json")
    figures = reading.metrics("bench")
    chosen = reading.selection()
    takes = reading.expected(chosen, params.section("rollout")["agents"])
    attempts: list[Attempt] = []
    for agent, ids in takes.items():
        attempts += reading.attempts(layout.rollouts(agent, "bench"), layout.verdicts(agent, "bench"), agent, ids)
    html = build("ClawGym bench", {agent: figures[agent] for agent in takes}, attempts, chosen.bench)
    layout.REPORT.parent.mkdir(exist_ok=True)
    layout.REPORT.write_text(html, encoding="utf-8")
    print(f"{layout.REPORT}: {len(chosen.bench)} instances, {len(attempts)} rollouts, {len(html.encode()) / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    errors.run(main)
