"""The stage that lets agents work: `--agent NAME --split SPLIT`, or `--endpoint URL --model NAME --out DIR` for any model.

A finished rollout is kept in the store at once, so a stage that was killed goes on where it stood. One that failed in the
machinery is exported as such, but not kept: the next run tries it again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox import cgroups, plays
from sandbox.agents import KEY, Agent, remote_agent, scripted_agent, served_agent
from sandbox.backends import configured
from sandbox.box import Caps, Sandbox
from sandbox.episodes import Attempt, persistently
from sandbox.harnesses import BUILTIN, HARNESSES, Harness
from specs import errors, layout, params, shards
from specs.errors import BoundaryError, Problem, UserError
from specs.progress import track
from specs.records import Rollout, Solution, Task
from specs.store import Store

STAGE = "rollout"
NEEDED = ("workers", "attempts", "retries", "sampling", "caps", "agents")


def selected(split: str, subset: bool, path: Path = layout.SELECTION) -> list[str]:
    """Ids of the tasks to take: the split's, or with `subset` those of the bench that model agents take.

    Raises UserError where the selection is missing or has no such list.
    """
    name = "models" if subset and split == "bench" else split
    try:
        chosen = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError([Problem(path.as_posix(), 1, 1, "", "no such file", "run the select stage first")]) from None
    if name not in chosen:
        raise UserError([Problem(path.as_posix(), 1, 1, "", f"no list '{name}'", f"there are {', '.join(sorted(chosen))}")])
    return list(chosen[name])


def load(cls: type[Any], root: Path, split: str, ids: Sequence[str]) -> list[Any]:
    """The records of those ids, in that order. Raises UserError naming those that are not there."""
    try:
        found = {record.id: record for record in shards.read(root, cls, split, ids)}
    except FileNotFoundError as error:
        raise UserError([Problem(root.as_posix(), 1, 1, "", str(error))]) from None
    lost = [i for i in ids if i not in found]
    if lost:
        kind = cls.__name__.lower()
        what = f"{layout.SELECTION.as_posix()} names {len(lost)} {split} tasks that have no {kind} here, the first is {lost[0]}"
        raise UserError([Problem(root.as_posix(), 1, 1, "", what, "run the compile and select stages again")])
    return [found[i] for i in ids]


def plan(agent: Agent, tasks: Sequence[Task], attempts: int, caps: Caps, sandbox: Sandbox, harness: Harness = BUILTIN) -> list[Attempt]:
    """The rollouts to have: each task `attempts` times. Where a seed is given, each attempt draws with its own."""
    return [_attempt(agent, task, number, caps, sandbox, harness) for task in tasks for number in range(attempts)]


def _attempt(agent: Agent, task: Task, number: int, caps: Caps, sandbox: Sandbox, harness: Harness) -> Attempt:
    sampling = dict(agent.sampling)
    if "seed" in sampling:
        sampling["seed"] += number
    limits = replace(task.limits, steps=agent.steps) if agent.steps else task.limits
    return Attempt(task, agent.name, agent.policy_for(task), sampling, limits, caps, number, sandbox, harness.told)


def run(
    agent: Agent, attempts: Sequence[Attempt], store: Store, workers: int, retries: int, harness: Harness = BUILTIN
) -> dict[str, Rollout]:
    """Run the attempts that the store lacks, each in its own box; returns those that ended in an error, by id.

    All have the caps and the sandbox of the first.
    """
    missing = set(store.missing(STAGE, [attempt.id for attempt in attempts]))
    todo = [attempt for attempt in attempts if attempt.id in missing]
    failed: dict[str, Rollout] = {}
    if not todo:
        return failed
    cgroups.usable()  # once, before there are threads: it removes what boxes of killed processes left behind

    def keep(rollout: Rollout) -> None:
        store.put(STAGE, rollout.id, rollout)

    with harness.opened(agent, todo[0].caps, todo[0].sandbox) as roll_out, track(f"rollout {agent.name}", len(todo)) as advance:
        threads = ThreadPoolExecutor(workers)
        try:
            for done in as_completed([threads.submit(persistently, attempt, roll_out, retries, keep) for attempt in todo]):
                rollout = done.result()
                if rollout is not None:
                    failed[rollout.id] = rollout
                advance()
        finally:
            threads.shutdown(cancel_futures=True)
    return failed


def export(root: Path, split: str, attempts: Sequence[Attempt], failed: Mapping[str, Rollout], store: Store) -> Counter[str]:
    """Write the rollouts of these attempts as shards, from the store or as they failed; returns how many of each status."""
    counts: Counter[str] = Counter()

    def rollouts() -> Iterator[tuple[str, Rollout]]:
        for attempt in attempts:
            rollout = failed.get(attempt.id) or store.record(STAGE, attempt.id, Rollout)
            if rollout is None:
                raise BoundaryError("harness", f"rollout {attempt.id} is neither kept nor failed")
            counts[rollout.status] += 1
            yield split, replace(rollout, agent=attempt.agent)

    shards.write(root, Rollout, rollouts())
    return counts


def agent_of(args: argparse.Namespace, section: Mapping[str, Any], tasks: Sequence[Task]) -> Agent:
    """The agent that the command line and the section name."""
    if args.endpoint:
        return remote_agent(args.endpoint, args.model, section["sampling"])
    told = section["agents"][args.agent]
    steps = int(told.get("steps", 0))
    if told["policy"] == "served":
        return served_agent(args.agent, Path(told["model"]), section["sampling"], steps)
    solutions = load(Solution, layout.SOLUTIONS, args.split, [task.id for task in tasks]) if args.agent == "teacher" else []
    return scripted_agent(args.agent, steps, tasks, solutions)


def settings(path: Path = Path("params.yaml")) -> dict[str, Any]:
    """The section of this stage. Raises UserError for what it lacks or has too much."""
    section = params.section(STAGE, path)
    problems = [f"rollout.{key} is missing" for key in NEEDED if key not in section]
    known = Caps.__dataclass_fields__
    problems += [f"rollout.caps.{key} is not one of {', '.join(known)}" for key in section.get("caps", {}) if key not in known]
    for name, told in section.get("agents", {}).items():
        if told.get("policy") not in ("scripted", "served"):
            problems.append(f"rollout.agents.{name}.policy is not one of scripted, served")
        elif told["policy"] == "scripted" and name not in plays.POLICIES:
            problems.append(f"rollout.agents.{name} is not one of the scripted policies {', '.join(plays.POLICIES)}")
        elif told["policy"] == "served" and "model" not in told:
            problems.append(f"rollout.agents.{name}.model is missing")
    if problems:
        raise UserError([Problem(path.as_posix(), 1, 1, "", what) for what in problems])
    return section


def arguments(argv: Sequence[str], agents: Sequence[str]) -> argparse.Namespace:
    """The command line, read. Exits with 2 and a line for what does not fit together."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.rollout", description="Let an agent work on tasks and record what it does.")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--agent", choices=list(agents), help="an agent of params.yaml")
    who.add_argument("--endpoint", metavar="URL", help=f"any OpenAI-compatible endpoint; its key is taken from {KEY}")
    parser.add_argument("--model", help="with --endpoint: the model's name there")
    parser.add_argument("--out", type=Path, help="with --endpoint or another harness: where the shards go")
    parser.add_argument("--harness", choices=list(HARNESSES), default="builtin", help="what it works under (default: the built-in loop)")
    parser.add_argument("--split", choices=["train", "bench"], default="bench")
    args = parser.parse_args(argv)
    if args.endpoint and not (args.model and args.out):
        parser.error("--endpoint needs --model and --out")
    if args.agent and args.model:
        parser.error("--model goes with --endpoint")
    if args.agent and bool(args.out) != (args.harness != "builtin"):
        parser.error("--out goes with --endpoint, or with another harness than the built-in one")
    return args


def main(argv: Sequence[str]) -> int:
    """Run what is missing, export what was asked for, say what came of it."""
    section = settings()
    args = arguments(argv, list(section["agents"]))
    subset = not args.endpoint and section["agents"][args.agent]["policy"] == "served"
    tasks: list[Task] = load(Task, layout.TASKS, args.split, selected(args.split, subset))
    agent = agent_of(args, section, tasks)
    store = Store()
    try:
        harness = HARNESSES[args.harness](section.get(args.harness, {}))
        attempts = plan(agent, tasks, int(section["attempts"]), Caps(**section["caps"]), configured(), harness)
        failed = run(agent, attempts, store, int(section["workers"]), int(section["retries"]), harness)
        counts = export(args.out or layout.rollouts(agent.name, args.split), args.split, attempts, failed, store)
    finally:
        store.close()
    print(f"rollout {agent.name} {args.split}: " + ", ".join(f"{n} {status}" for status, n in sorted(counts.items())))
    return _report(failed, len(attempts))


def _report(failed: Mapping[str, Rollout], planned: int) -> int:
    """Say what failed. A stage of which nothing worked is itself a failure (2)."""
    for (boundary, message), n in Counter((r.error.boundary, r.error.message) for r in failed.values() if r.error).most_common(5):
        print(f"{n} failed at the {boundary}: {message}", file=sys.stderr)
    return 2 if failed and len(failed) == planned else 0


if __name__ == "__main__":
    errors.run(main)
