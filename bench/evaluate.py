"""Stage evaluate: adds up the agents' verdicts on the bench. Failures of machinery are left out of scores, and counted."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench import reading
from bench.reading import Attempt
from specs import errors, layout, params, shards
from specs.errors import Problem, UserError

DIGITS = 6


def interval(scores: Sequence[float], resamples: int, seed: int) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of the mean over instances (Efron 1979)."""
    values = np.asarray(scores, dtype=np.float64)
    picks = np.random.Generator(np.random.PCG64(seed)).integers(0, len(values), size=(resamples, len(values)))
    low, high = np.percentile(values[picks].mean(axis=1), [2.5, 97.5])
    return round(float(low), DIGITS), round(float(high), DIGITS)


def by_instance(attempts: Iterable[Attempt]) -> dict[str, tuple[float, float]]:
    """Each instance's mean score and solved share over its graded attempts; instances without one are not there."""
    graded: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for attempt in attempts:
        if attempt.graded and attempt.verdict is not None:
            graded[attempt.task].append((attempt.verdict.score, float(attempt.verdict.solved)))
    return {task: (_mean(s for s, _ in pairs), _mean(d for _, d in pairs)) for task, pairs in graded.items()}


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return round(sum(found) / len(found), DIGITS)


def _summary(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Mean score, solved share and n of instances; only n where there are none."""
    if not pairs:
        return {"n": 0}
    return {"score": _mean(s for s, _ in pairs), "solved": _mean(d for _, d in pairs), "n": len(pairs)}


def _grouped(scores: Mapping[str, tuple[float, float]], group: Callable[[str], str]) -> dict[str, dict[str, float]]:
    groups: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for task, pair in scores.items():
        groups[group(task)].append(pair)
    return {name: _summary(groups[name]) for name in sorted(groups)}


def _by_kind(attempts: Iterable[Attempt]) -> dict[str, dict[str, float]]:
    kinds: dict[str, list[float]] = defaultdict(list)
    for attempt in attempts:
        if attempt.graded and attempt.verdict is not None:
            for check in attempt.verdict.checks:
                kinds[check.kind].append(check.score)
    return {kind: {"score": _mean(kinds[kind]), "n": len(kinds[kind])} for kind in sorted(kinds)}


def evaluate(
    attempts: Sequence[Attempt], instances: Mapping[str, tuple[str, int]], resamples: int, seed: int, shared: Iterable[str] = ()
) -> dict[str, Any]:
    """One agent's figures as nested dictionaries of numbers.

    `instances` maps the ids that the agent takes to (category, difficulty); `shared` are the ids that every agent takes.
    `n` counts scored instances, `errors` failed attempts, `missing` instances without any attempt, `not_judged`
    graded attempts whose rubric nobody judged, so that their score is code only; `weak`, where there is one, attempts by the protection
    that their box went without. Scores lie in [0, 1].
    """
    scores = by_instance(attempts)
    result: dict[str, Any] = dict(_summary(list(scores.values())))
    if scores:
        result["score_low"], result["score_high"] = interval([s for s, _ in scores.values()], resamples, seed)
    result["errors"] = sum(not a.graded for a in attempts)
    result["not_judged"] = sum(a.graded and a.verdict is not None and a.verdict.judging == "not judged" for a in attempts)
    if weak := Counter(what for a in attempts for what in a.weak):
        result["weak"] = dict(sorted(weak.items()))
    result["missing"] = len(set(instances) - {a.task for a in attempts})
    result["seconds"] = _mean(a.seconds for a in attempts) if attempts else 0.0
    result["shared"] = _summary([scores[i] for i in shared if i in scores])
    result["category"] = _grouped(scores, lambda task: instances[task][0])
    result["difficulty"] = _grouped(scores, lambda task: str(instances[task][1]))
    result["kind"] = _by_kind(attempts)
    result["status"] = dict(sorted(Counter(a.ending for a in attempts).items()))
    return result


def filed(ids: Iterable[str]) -> dict[str, tuple[str, int]]:
    """(category, difficulty) of each of the tasks `ids`. Raises UserError where one is not in data/tasks."""
    wanted = set(ids)
    tasks = shards.columns(layout.TASKS, ("id", "category", "difficulty"))
    found = {row["id"]: (row["category"], row["difficulty"]) for row in tasks if row["id"] in wanted}
    gone = sorted(wanted - set(found))
    if gone:
        hint = "run stage select again"
        raise UserError([Problem(layout.SELECTION.as_posix(), 1, 1, "", f"task {i} is not in {layout.TASKS}", hint) for i in gone])
    return found


def write_plot(path: Path, column: str, figures: Mapping[str, Mapping[str, Any]]) -> None:
    """A CSV of (agent, `column`, score) from the figures' part of that name."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["agent", column, "score"])
        for agent, figure in figures.items():
            writer.writerows([agent, name, part["score"]] for name, part in figure[column].items())


def line(agent: str, figure: Mapping[str, Any]) -> str:
    """One agent's headline as a line of text."""
    lost = "".join(f", {name.replace('_', ' ')} {figure[name]}" for name in ("errors", "missing", "not_judged") if figure[name])
    lost += "".join(f", {n} in boxes without {what}" for what, n in figure.get("weak", {}).items())
    if not figure["n"]:
        return f"{agent}: nothing scored{lost}"
    low, high = figure["score_low"], figure["score_high"]
    return f"{agent}: {figure['score']:.3f} [{low:.3f}, {high:.3f}], solved {figure['solved']:.0%} of {figure['n']}{lost}"


def main(argv: Sequence[str]) -> int:
    """Add up data/verdicts/<agent>-bench of every agent; write metrics/bench.json, plots/bench.csv and plots/difficulty.csv."""
    section = params.section("evaluate")
    chosen = reading.selection()
    takes = reading.expected(chosen, params.section("rollout")["agents"])
    places = filed(chosen.bench)
    figures = {}
    for agent, ids in takes.items():
        attempts = reading.attempts(layout.rollouts(agent, "bench"), layout.verdicts(agent, "bench"), agent, ids)
        figures[agent] = evaluate(attempts, {i: places[i] for i in ids}, section["resamples"], section["seed"], chosen.models)
        print(line(agent, figures[agent]))
    layout.METRICS.mkdir(exist_ok=True)
    layout.PLOTS.mkdir(exist_ok=True)
    (layout.METRICS / "bench.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    write_plot(layout.PLOTS / "bench.csv", "category", figures)
    write_plot(layout.PLOTS / "difficulty.csv", "difficulty", figures)
    return 0


if __name__ == "__main__":
    errors.run(main)
