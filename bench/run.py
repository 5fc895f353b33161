"""`make bench`: any OpenAI-compatible model on the whole bench, graded, evaluated, and shown on the bench's own page."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import reading, report
from bench.evaluate import evaluate, filed, line
from bench.reading import Attempt, Selection
from sandbox import rollout
from specs import digests, errors, layout, params
from specs.errors import Problem, UserError
from verifiers import grade, judge

LONGEST = 80


def run_name(model: str) -> str:
    """A folder's name for a model: letters, digits, dot, dash and underscore. Two models never share one.

    Raises UserError for a name with none of these.
    """
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", model).strip("-.")[:LONGEST]
    if not safe:
        raise UserError([Problem("command line", 1, 1, "--model", f"{model!r} has no letter or digit", "give the run a name with --name")])
    return safe if safe == model else f"{safe}-{digests.digest(model)[:6]}"


def references(chosen: Selection, without: str) -> tuple[dict[str, Any], list[Attempt]]:
    """Figures and attempts of our scripted agents, to compare with, where the bench has been evaluated here."""
    agents = {n: a for n, a in params.section("rollout")["agents"].items() if a["policy"] == "scripted" and n != without}
    figures = reading.metrics("bench")
    present = {n: ids for n, ids in reading.expected(chosen, agents).items() if n in figures and layout.verdicts(n, "bench").is_dir()}
    attempts: list[Attempt] = []
    for name, ids in present.items():
        attempts += reading.attempts(layout.rollouts(name, "bench"), layout.verdicts(name, "bench"), name, ids)
    return {name: figures[name] for name in present}, attempts


def evaluated(name: str, title: str, folder: Path) -> dict[str, Any]:
    """Evaluate `folder`'s rollouts and verdicts; write its metrics.json and bench.html, and return the figures."""
    section = params.section("evaluate")
    chosen = reading.selection()
    attempts = reading.attempts(folder / "rollouts", folder / "verdicts", name, chosen.bench)
    figures = evaluate(attempts, filed(chosen.bench), section["resamples"], section["seed"], chosen.models)
    (folder / "metrics.json").write_text(json.dumps({name: figures}, indent=2) + "\n", encoding="utf-8")
    others, theirs = references(chosen, name)
    html = report.build(title, {name: figures} | others, [*attempts, *theirs], chosen.bench)
    (folder / "bench.html").write_text(html, encoding="utf-8")
    return figures


def main(argv: Sequence[str]) -> int:
    """Roll out, grade, evaluate and report; what is finished stays, so a second call goes on where the first stopped."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="Run a model on the whole bench.")
    parser.add_argument("--endpoint", required=True, metavar="URL", help="an OpenAI-compatible endpoint, up to and with /v1")
    parser.add_argument("--model", required=True, help="the model's name there")
    parser.add_argument("--name", help="the run's name under runs/ (default: the model's)")
    args = parser.parse_args(argv)
    name = run_name(args.name or args.model)
    folder = layout.RUNS / name
    folder.mkdir(parents=True, exist_ok=True)
    rollouts, verdicts = str(folder / "rollouts"), str(folder / "verdicts")
    status = rollout.main(["--endpoint", args.endpoint, "--model", args.model, "--out", rollouts])
    status = status or grade.main(["--agent", name, "--rollouts", rollouts, "--out", verdicts])
    status = status or judge.main(["--agent", name, "--rollouts", rollouts, "--verdicts", verdicts])
    if status:
        return status
    print(line(name, evaluated(name, f"{args.model} on the ClawGym bench", folder)))
    print(f"{folder / 'metrics.json'}, {folder / 'bench.html'}")
    return 0


if __name__ == "__main__":
    errors.run(main)
