"""OpenClaw's two ways on a task of three calls: a gateway's start and its turn, and `agent exec`; beside them the built-in harness."""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.making import task_of
from sandbox import blackbox, openclaw
from sandbox.agents import Agent, scripted_agent
from sandbox.blackbox import Ended, Program
from sandbox.box import Box, Caps, Sandbox
from sandbox.episodes import Attempt
from sandbox.harnesses import HARNESSES, Harness
from specs.errors import BoundaryError, run
from specs.records import Rollout, Step, Task

BAR_S = 3.0
CALLS = (
    Step("exec", {"command": "cat in.txt"}, "Looking."),
    Step("write", {"path": "out.txt", "content": "8\n"}, ""),
    Step("", {}, "Doubled."),
)
Figures = dict[str, list[float]]


def _watched(program: Program, figures: Figures) -> Program:
    """The program, with what its start takes and holds, and the processor time of what it runs, put among the figures."""

    def started(box: Box, going_on: Callable[[], bool]) -> None:
        begun = time.monotonic()
        program.started(box, going_on)
        figures["start, s"].append(time.monotonic() - begun)
        figures["start, CPU s"].append(box.cpu_seconds())
        figures["held, MB"].append(sum(map(int, box.exec("ps -eo rss=").output.split())) / 1024)

    def command(box: Box, attempt: Attempt) -> str:
        return f"TIMEFORMAT='%U %S'; time ({program.command(box, attempt)})"

    def fault(ended: Ended) -> str:
        figures["what is run for it, CPU s"].append(sum(map(float, ended.said.strip().splitlines()[-1].split())))
        return program.fault(ended)

    return replace(program, started=started, command=command, fault=fault)


def _rounds(harness: Harness, agent: Agent, task: Task, rounds: int, figures: Figures) -> None:
    with harness.opened(agent, Caps(), Sandbox()) as roll_out:
        for _ in range(rounds):
            one: Rollout = roll_out(Attempt(task, agent.name, {}, {}, task.limits, Caps(), 0, Sandbox(), harness.told))
            if one.status != "completed":
                raise BoundaryError("harness", f"a rollout ended with {one.status}: {one.error}")
            figures["turn, s"].append(one.seconds)


def main(argv: Sequence[str]) -> int:
    """Print the medians; whether the bar is kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.openclaw", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args(argv).rounds
    task, solution = task_of({"in.txt": "4\n"}, "Double the number.", "out.txt", CALLS)
    agent = scripted_agent("teacher", 0, [task], [solution])
    found: dict[str, Figures] = {"built-in": defaultdict(list)}
    _rounds(HARNESSES["builtin"]({}), agent, task, rounds, found["built-in"])
    for by in ("gateway", "exec"):
        found[by] = defaultdict(list)
        program = _watched(openclaw.program({"by": by, "ahead": 0}), found[by])
        _rounds(Harness(program.told, lambda *given, p=program: blackbox.opened(p, *given)), agent, task, rounds, found[by])
    for name, figures in found.items():
        print(f"{name}: " + "; ".join(f"{what} {statistics.median(values):.2f}" for what, values in figures.items()))
    turn = statistics.median(found["gateway"]["turn, s"])
    ratio = turn / statistics.median(found["built-in"]["turn, s"])
    print(f"a gateway's turn of three calls: {turn:.2f} s, {ratio:.0f} times the built-in harness's; bar {BAR_S} s")
    return 0 if turn <= BAR_S else 1


if __name__ == "__main__":
    run(main)
