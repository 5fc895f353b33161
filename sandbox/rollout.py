"""The stage that lets agents work: `--agent NAME --split SPLIT`, or `--endpoint URL --model NAME --out DIR` for any model.

A finished rollout is kept in the store at once, so a stage that was killed goes on where it stood. One that failed in the
machinery is recorded and exported as such, and the next run tries it again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sandbox import backends, ends, fleet, plays, runner, styles
from sandbox.agents import KEY, Agent, remote_agent, scripted_agent, served_agent
from sandbox.box import Caps, Sandbox
from sandbox.endpoint import ANSWER_S
from sandbox.ends import Ends
from sandbox.harnesses import HARNESSES, Harness
from sandbox.planning import load, plan, selected
from sandbox.runner import Opened, Rules
from sandbox.spending import Budget, Prices
from specs import errors, layout, params
from specs.errors import Problem, UserError
from specs.progress import track
from specs.records import Solution, Task
from specs.store import Store

STAGE = runner.STAGE
NEEDED = ("workers", "attempts", "retries", "sampling", "caps", "agents")
EXECUTORS = ("local", "ray")
USUAL = {"executor": "local", "backoff_s": 2.0, "timeout_s": ANSWER_S, "grace_s": runner.GRACE_S}


def agent_of(args: argparse.Namespace, section: Mapping[str, Any], ids: Sequence[str]) -> Agent:
    """The agent that the command line and the section name, for the tasks of these ids."""
    timeout_s = float(section["timeout_s"])
    if args.endpoint:
        return remote_agent(args.endpoint, args.model, section["sampling"], timeout_s)
    told = section["agents"][args.agent]
    steps = int(told.get("steps", 0))
    if told["policy"] == "served":
        return served_agent(args.agent, Path(told["model"]), section["sampling"], steps, timeout_s)
    solutions = load(Solution, layout.SOLUTIONS, args.split, ids) if args.agent == "teacher" else ()
    return scripted_agent(args.agent, steps, load(Task, layout.TASKS, args.split, ids), solutions, styles.told(told))


def settings(path: Path = Path("params.yaml")) -> dict[str, Any]:
    """The section of this stage, with what is usual where it says nothing. Raises UserError for what it lacks or has too much."""
    section = params.section(STAGE, path)
    problems = [f"rollout.{key} is missing" for key in NEEDED if section.get(key) is None]
    section = {**USUAL, **{name: value for name, value in section.items() if value is not None}}
    for name, cls in (("caps", Caps), ("budget", Budget), ("prices", Prices)):
        known = cls.__dataclass_fields__
        problems += [f"rollout.{name}.{key} is not one of {', '.join(known)}" for key in section.get(name) or {} if key not in known]
    problems += list(_numbers(section))
    for name, told in section.get("agents", {}).items():
        if told.get("policy") not in ("scripted", "served"):
            problems.append(f"rollout.agents.{name}.policy is not one of scripted, served")
        elif told["policy"] == "scripted" and name not in plays.POLICIES:
            problems.append(f"rollout.agents.{name} is not one of the scripted policies {', '.join(plays.POLICIES)}")
        elif told["policy"] == "served" and "model" not in told:
            problems.append(f"rollout.agents.{name}.model is missing")
        if name == "teacher":
            problems += [f"rollout.agents.{name}{what}" for what in styles.problems(told)]
        elif {"styles", "mistakes"} & set(told):
            problems.append(f"rollout.agents.{name} has styles or mistakes, which only the teacher can have")
    if problems:
        raise UserError([Problem(path.as_posix(), 1, 1, "", what) for what in problems])
    return section


def _numbers(section: Mapping[str, Any]) -> list[str]:
    """What is wrong with how hard a run tries, and where."""
    told = {name: section.get(name) for name in ("retries", "backoff_s", "timeout_s", "grace_s")}
    told |= {f"{part}.{name}": value for part in ("budget", "prices") for name, value in (section.get(part) or {}).items()}
    wrong = [f"rollout.{name} is {value!r}, no number from 0 on" for name, value in told.items() if not _is_number(value, 0)]
    told = {name: section.get(name) for name in ("workers", "attempts")}
    wrong += [f"rollout.{name} is {value!r}, no number from 1 on" for name, value in told.items() if not _is_number(value, 1)]
    if section["executor"] not in EXECUTORS:
        wrong.append(f"rollout.executor is not one of {', '.join(EXECUTORS)}")
    if not wrong and section["grace_s"] <= section["timeout_s"]:
        wrong.append("rollout.grace_s is to be more than rollout.timeout_s, or an endpoint's failure would be taken for the harness's")
    if (section.get("budget") or {}).get("money") is not None and not any((section.get("prices") or {}).values()):
        wrong.append("rollout.budget.money needs rollout.prices")
    return wrong


def _is_number(value: Any, least: int) -> bool:
    """Whether it is one from `least` on; what is left empty is another matter."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value >= least)


def rules_of(section: Mapping[str, Any]) -> Rules:
    """How hard to try, as the section says."""
    prices = {name: value for name, value in (section.get("prices") or {}).items() if value is not None}
    return Rules(int(section["retries"]), float(section["backoff_s"]), Budget(**(section.get("budget") or {})), Prices(**prices))


def arguments(argv: Sequence[str], agents: Sequence[str]) -> argparse.Namespace:
    """The command line, read. Exits with 2 and a line for what does not fit together."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.rollout", description="Let an agent work on tasks and record what it does.")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--agent", choices=list(agents), help="an agent of params.yaml")
    who.add_argument("--endpoint", metavar="URL", help=f"any OpenAI-compatible endpoint; its key is taken from {KEY}")
    parser.add_argument("--model", help="with --endpoint: the model's name there")
    parser.add_argument("--out", type=Path, help="with --endpoint or another harness: where the shards go")
    parser.add_argument("--harness", choices=list(HARNESSES), default="builtin", help="what it works under (default: the built-in loop)")
    parser.add_argument("--executor", choices=EXECUTORS, help="this machine, or those of a Ray cluster (default: as in params.yaml)")
    parser.add_argument("--split", choices=["train", "bench"], default="bench")
    args = parser.parse_args(argv)
    if args.endpoint and not (args.model and args.out):
        parser.error("--endpoint needs --model and --out")
    if args.agent and args.model:
        parser.error("--model goes with --endpoint")
    if args.agent and bool(args.out) != (args.harness != "builtin"):
        parser.error("--out goes with --endpoint, or with another harness than the built-in one")
    return args


def opened(args: argparse.Namespace, section: Mapping[str, Any], agent: Agent, caps: Caps, sandbox: Sandbox, harness: Harness) -> Opened:
    """Where the attempts are run. An agent that only this machine can reach works here, whatever was asked for."""
    workers, grace_s = int(section["workers"]), float(section["grace_s"])
    where = args.executor or section["executor"]
    if where == "ray" and agent.recipe is None:
        print(f"rollout {agent.name}: only this machine serves this agent, so it works here and not on the cluster", file=sys.stderr)
        where = "local"
    if where == "ray":
        return fleet.cluster(agent, args.harness, section.get(args.harness) or {}, caps, sandbox, workers, grace_s)
    backends.tidy(sandbox)  # also where nothing is left to run: the run before may have been killed at its very end
    return runner.local(agent, harness, caps, sandbox, workers, grace_s)


def main(argv: Sequence[str]) -> int:
    """Run what is missing, export what was asked for, say what came of it."""
    section = settings()
    args = arguments(argv, list(section["agents"]))
    subset = not args.endpoint and section["agents"][args.agent]["policy"] == "served"
    ids = selected(args.split, subset)
    tasks = load(Task, layout.TASKS, args.split, ids)
    agent, caps, sandbox, rules = agent_of(args, section, ids), Caps(**section["caps"]), backends.configured(), rules_of(section)
    harness = HARNESSES[args.harness](section.get(args.harness) or {})
    attempts = plan(agent, tasks, int(section["attempts"]), caps, sandbox, harness)
    executor = opened(args, section, agent, caps, sandbox, harness)
    out = args.out or layout.rollouts(agent.name, args.split)
    with closing(Store()) as store:
        with track(f"rollout {agent.name}", len(ids) * int(section["attempts"])) as advance:
            done = runner.run(attempts, executor, store, rules, advance)
        ended = ends.counted(out, done, store, agent.name) if done.not_run else ends.export(out, args.split, done, store, agent.name)
    ends.write(out.with_name(f"{out.name}.json") if args.out else layout.rollout_ends(agent.name, args.split), ended)
    print(f"rollout {agent.name} {args.split}: {ended.line()}; this run used {done.spent.said(rules.prices)}")
    return _status(ended)


def _status(ended: Ends) -> int:
    """Say what failed, and what was not run (1). A stage of which nothing worked is itself a failure (2)."""
    for (boundary, message), n in ended.reasons.most_common(5):
        print(f"{n} failed at the {boundary}: {message}", file=sys.stderr)
    if ended.not_run:
        print(
            f"{ended.not_run} rollouts were not run: the budget of a run is spent. All that ended is kept, and nothing exported, since it"
            " would pass for the whole; run again, with a larger rollout.budget or this one once more, to go on",
            file=sys.stderr,
        )
        return 1
    return 2 if ended.statuses["error"] and ended.statuses["error"] == ended.planned else 0


if __name__ == "__main__":
    errors.run(main)
