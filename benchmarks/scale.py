"""What docs/scale.md reckons with: what a rollout of the published size weighs, what keeping it costs, what boxes and workers hold."""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from time import perf_counter

import psutil

from benchmarks.making import task_of
from sandbox import ends, fleet, runner, scripted
from sandbox.agents import scripted_agent
from sandbox.box import Caps, Sandbox, open_box
from sandbox.endpoint import connect
from sandbox.episodes import Attempt, roll_out
from sandbox.planning import plan
from sandbox.runner import Done, Rules
from sandbox.spending import Spent
from specs import rows
from specs.records import Rollout, Solution, Step, Task
from specs.store import Store

ROUNDS, CHARS = 13, 64_000  # of a trajectory in arXiv 2604.26904: 13.0 rounds and 18.7K tokens of some four characters
MB = 1 << 20
WORDS = Path(__file__).resolve().parent.parent.joinpath("docs", "language.md")


def trajectory(number: int) -> tuple[Task, Solution]:
    """A task of the published size, and the steps of an agent that reads, writes scripts and runs them. Text is drawn, so that
    it is packed no better than what people write."""
    draw, known = random.Random(number), WORDS.read_text(encoding="utf-8").split()

    def text(chars: int) -> str:
        return " ".join(draw.choice(known) for _ in range(chars // 6))

    def table(lines: int) -> str:
        rows = (f"{draw.choice(known)},{draw.randrange(10**6) / 100},2026-{draw.randrange(1, 13):02}" for _ in range(lines))
        return "\n".join(("party,amount,month", *rows)) + "\n"

    part = CHARS // (2 * ROUNDS)
    files = {f"in/{n}.csv": table(part // 20) for n in range(3)}
    steps = [Step("read", {"path": path}, text(part // 2)) for path in files]
    for n in range(3):
        steps.append(Step("write", {"path": f"work/{n}.py", "content": text(3 * part)}, text(part // 2)))
        steps.append(Step("exec", {"command": f"head -c {2 * part} work/{n}.py"}, text(part // 2)))
        steps.append(Step("exec", {"command": f"head -c {part} in/{n}.csv | tee out.csv"}, text(part // 2)))
    steps.append(Step("", {}, text(part)))
    return task_of(files, text(2400), "out.csv", steps, 10**6, number)


def made(count: int) -> list[Rollout]:
    """Rollouts of so many trajectories."""
    both = [trajectory(n) for n in range(count)]
    with scripted.serve("teacher", [task for task, _ in both], [solution for _, solution in both]) as url:
        complete = connect(url, "teacher")
        return [roll_out(Attempt(task, "teacher", {}, {}, task.limits, Caps(), 0), complete) for task, _ in both]


def kept(rollouts: Sequence[Rollout]) -> None:
    """Print what a rollout takes in the store and in shards, and the time that packing, keeping and exporting one takes."""
    count = len(rollouts)
    start = perf_counter()
    packed = {rollout.id: rows.packed(rollout) for rollout in rollouts}
    packing_s = perf_counter() - start
    with tempfile.TemporaryDirectory() as folder, closing(Store(Path(folder, "store.sqlite"))) as store:
        start = perf_counter()
        for identity, blob in packed.items():
            store.put_packed(runner.STAGE, identity, blob)
        keeping_s = perf_counter() - start
        start = perf_counter()
        ends.export(Path(folder, "shards"), "train", Done(frozenset(packed), frozenset(), Spent()), store, "teacher")
        exporting_s = perf_counter() - start
        shards = sum(path.stat().st_size for path in Path(folder, "shards").rglob("*.parquet"))
    chars = sum(len(json.dumps(rollout.messages)) for rollout in rollouts) / count
    print(f"a rollout of {rollouts[0].usage.turns} rounds that ends with {chars:,.0f} characters:")
    print(f"  in the store {sum(map(len, packed.values())) / count / 1000:.1f} kB, in shards {shards / count / 1000:.1f} kB")
    times = {"packed": packing_s, "kept": keeping_s, "exported": exporting_s}
    print("  " + ", ".join(f"{what} in {seconds / count * 1000:.1f} ms" for what, seconds in times.items()))


def held(processes: Sequence[psutil.Process]) -> float:
    """MB of memory that processes hold, what they share divided among those that share it."""
    return float(sum(process.memory_full_info().pss for process in processes)) / MB


def boxes(count: int) -> None:
    """Print the memory of idle boxes."""
    with ExitStack() as stack:
        before = set(psutil.Process().children(recursive=True))
        for _ in range(count):
            stack.enter_context(open_box(()))
        added = [process for process in psutil.Process().children(recursive=True) if process not in before]
        print(f"a box: {held(added) / count:.1f} MB in {len(added) / count:.1f} processes, of {count} open at once")


def worker(at_once: int) -> None:
    """Print the memory of the worker that a fleet has on this machine, once it has made some rollouts."""
    os.environ.pop("RAY_ADDRESS", None)
    task, solution = trajectory(0)
    agent = scripted_agent("teacher", 0, [task], [solution])
    seen: list[float] = []

    def look(said: str = "", kept: bool = False) -> None:
        named = psutil.process_iter(["cmdline"])
        seen.append(held([process for process in named if "".join(process.info["cmdline"] or ()).startswith("ray::Worker")]))

    with tempfile.TemporaryDirectory() as folder, closing(Store(Path(folder, "store.sqlite"))) as store:
        attempts = plan(agent, [task], 4 * at_once, Caps(), Sandbox())
        runner.run(attempts, fleet.cluster(agent, "builtin", {}, Caps(), Sandbox(), at_once, runner.GRACE_S), store, Rules(), look)
    print(f"a worker, {at_once} rollouts at a time: {max(seen):.0f} MB, its boxes not counted")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--rollouts", type=int, default=64)
    parser.add_argument("--boxes", type=int, default=32)
    parser.add_argument("--at-once", type=int, default=16)
    args = parser.parse_args()
    kept(made(args.rollouts))
    boxes(args.boxes)
    worker(args.at_once)


if __name__ == "__main__":
    main()
