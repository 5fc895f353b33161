"""`make bench`: any OpenAI-compatible model on the whole bench, graded, evaluated, and shown on the bench's own page."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import reading, report
from bench.agreeing import agreement
from bench.evaluate import evaluate, filed, line
from bench.reading import Attempt, Selection
from sandbox import rollout
from sandbox.harnesses import HARNESSES
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


def evaluated(name: str, title: str, folder: Path, ids: Sequence[str]) -> tuple[dict[str, Any], Sequence[Attempt]]:
    """Evaluate `folder`'s rollouts and verdicts of these tasks; write its metrics.json and bench.html. Figures and attempts."""
    section = params.section("evaluate")
    chosen = reading.selection()
    attempts = reading.attempts(folder / "rollouts", folder / "verdicts", name, ids)
    figures = evaluate(attempts, filed(ids), section["resamples"], section["seed"], chosen.models)
    (folder / "metrics.json").write_text(json.dumps({name: figures}, indent=2) + "\n", encoding="utf-8")
    others, theirs = references(chosen, name)
    html = report.build(title, {name: figures} | others, [*attempts, *theirs], ids)
    (folder / "bench.html").write_text(html, encoding="utf-8")
    return figures, attempts


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The command line, read. Exits with 2 and a line for what does not fit together."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="Run a model on the whole bench.")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--endpoint", metavar="URL", help="an OpenAI-compatible endpoint, up to and with /v1")
    who.add_argument("--agent", choices=list(params.section("rollout")["agents"]), help="an agent of params.yaml, under another harness")
    parser.add_argument("--model", help="with --endpoint: the model's name there")
    parser.add_argument("--harness", choices=list(HARNESSES), default="builtin", help="what it works under (default: the built-in loop)")
    parser.add_argument("--name", help="the run's name under runs/ (default: the model's or agent's, with the harness if it is another)")
    args = parser.parse_args(argv)
    if bool(args.endpoint) != bool(args.model):
        parser.error("--endpoint and --model go together")
    if args.agent and args.harness == "builtin":
        parser.error("--agent goes with another harness; under the built-in one it is the pipeline's (dvc repro)")
    return args


def main(argv: Sequence[str]) -> int:
    """Roll out, grade, evaluate and report; what is finished stays, so a second call goes on where the first stopped."""
    args = arguments(argv)
    who = args.agent or args.model
    name = run_name(args.name or (who if args.harness == "builtin" else f"{args.harness}:{who}"))
    folder = layout.RUNS / name
    folder.mkdir(parents=True, exist_ok=True)
    rollouts, verdicts = str(folder / "rollouts"), str(folder / "verdicts")
    agent = ["--agent", args.agent] if args.agent else ["--endpoint", args.endpoint, "--model", args.model]
    status = rollout.main([*agent, "--harness", args.harness, "--out", rollouts])
    status = status or grade.main(["--agent", name, "--rollouts", rollouts, "--out", verdicts])
    status = status or judge.main(["--agent", name, "--rollouts", rollouts, "--verdicts", verdicts])
    if status:
        return status
    chosen = reading.selection()
    ids = reading.expected(chosen, params.section("rollout")["agents"])[args.agent] if args.agent else chosen.bench
    figures, attempts = evaluated(name, f"{who} on the ClawGym bench{_under(args.harness)}", folder, ids)
    print(line(name, figures))
    if args.agent and layout.verdicts(args.agent, "bench").is_dir():  # the pipeline's, under the built-in harness
        its = reading.attempts(layout.rollouts(args.agent, "bench"), layout.verdicts(args.agent, "bench"), args.agent, ids)
        print(f"as under the built-in harness: {agreement(attempts, its)}")
    print(f"{folder / 'metrics.json'}, {folder / 'bench.html'}")
    return 0


def _under(harness: str) -> str:
    return "" if harness == "builtin" else f" under {harness}"


if __name__ == "__main__":
    errors.run(main)
