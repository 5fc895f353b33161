"""What docs/scale.md reckons with: what a rollout of the published size weighs, what keeping it costs, what boxes and workers hold."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from time import perf_counter

import psutil

from benchmarks import memory
from benchmarks.making import task_of
from sandbox import ends, fleet, runner, scripted
from sandbox.agents import scripted_agent
from sandbox.box import Caps, Sandbox, open_box
from sandbox.endpoint import connect
from sandbox.episodes import Attempt, roll_out
from sandbox.planning import plan
from sandbox.runner import Done, Rules
from sandbox.spending import Spent
from specs import layout, rows, shards
from specs.records import Check, Rollout, Solution, Step, Task, Verifier, Weights, sealed
from specs.store import Store

ROUNDS, CHARS = 13, 64_000  # of a trajectory in arXiv 2604.26904: 13.0 rounds and 18.7K tokens of some four characters
MB = 1 << 20
ROOT = Path(__file__).resolve().parent.parent
WORDS = ROOT / "docs" / "language.md"


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
        exported = sum(path.stat().st_size for path in Path(folder, "shards").rglob("*.parquet"))
    chars = sum(len(json.dumps(rollout.messages)) for rollout in rollouts) / count
    print(f"a rollout of {rollouts[0].usage.turns} rounds that ends with {chars:,.0f} characters:")
    print(f"  in the store {sum(map(len, packed.values())) / count / 1000:.1f} kB, in shards {exported / count / 1000:.1f} kB")
    times = {"packed": packing_s, "kept": keeping_s, "exported": exporting_s}
    print("  " + ", ".join(f"{what} in {seconds / count * 1000:.1f} ms" for what, seconds in times.items()))


def graded(rollouts: Sequence[Rollout], counts: Sequence[int]) -> None:
    """Print the most memory that the stage `grade` holds, its graders included, over so many rollouts: those given, again and again."""
    params = {"expect": [{"path": "out.csv", "digest": "0" * 64}], "gone": [], "under": "", "only": False}
    checks = (Check("out", "files", params, 1.0, ""),)
    tasks = [trajectory(number)[0] for number in range(len(rollouts))]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shards.write(folder / layout.TASKS, Task, (("train", task) for task in tasks))
        verifiers = (sealed(Verifier(task.id, "", checks, (), Weights(1.0, 0.0), ())) for task in tasks)
        shards.write(folder / layout.VERIFIERS, Verifier, (("train", verifier) for verifier in verifiers))
        (folder / "params.yaml").write_text("sandbox: {}\ngrade: {workers: 2}\n")
        for count in counts:
            again = (dataclasses.replace(rollouts[n % len(rollouts)], id=f"{n:012x}") for n in range(count))
            with shards.Writer(folder / f"{count}", Rollout) as writer:
                for rollout in again:
                    writer.add("train", rows.to_row(rollout))
            seconds, most = _stage(folder, ["verifiers.grade", "--agent", "a", "--rollouts", f"{count}", "--out", f"{count}-verdicts"])
            print(f"{count} rollouts graded, {seconds / count * 1000:.0f} ms each: {most:.0f} MB", flush=True)


def _stage(folder: Path, command: Sequence[str]) -> tuple[float, float]:
    """Run a module in the folder, with a store of its own; the seconds it takes, and the most MB that it and its processes hold."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CLAWGYM_STORE": str(folder / "-".join(command))}
    start = perf_counter()
    with subprocess.Popen([sys.executable, "-m", *command], cwd=folder, env=environment, stdout=subprocess.DEVNULL) as process:
        most = memory.most_held(process) / MB
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return perf_counter() - start, most


def boxes(count: int) -> None:
    """Print the memory of idle boxes."""
    with ExitStack() as stack:
        before = set(psutil.Process().children(recursive=True))
        for _ in range(count):
            stack.enter_context(open_box(()))
        added = [process for process in psutil.Process().children(recursive=True) if process not in before]
        print(f"a box: {memory.held(added) / MB / count:.1f} MB in {len(added) / count:.1f} processes, of {count} open at once")


def worker(at_once: int) -> None:
    """Print the memory of the worker that a fleet has on this machine, once it has made some rollouts."""
    os.environ.pop("RAY_ADDRESS", None)
    task, solution = trajectory(0)
    agent = scripted_agent("teacher", 0, [task], [solution])
    seen: list[float] = []

    def look(said: str = "", kept: bool = False) -> None:
        named = psutil.process_iter(["cmdline"])
        seen.append(memory.held([process for process in named if "".join(process.info["cmdline"] or ()).startswith("ray::Worker")]) / MB)

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
    parser.add_argument("--graded", type=int, nargs="*", default=[512, 4096], help="how many rollouts to grade")
    args = parser.parse_args()
    rollouts = made(args.rollouts)
    kept(rollouts)
    graded(rollouts, args.graded)
    boxes(args.boxes)
    worker(args.at_once)


if __name__ == "__main__":
    main()
