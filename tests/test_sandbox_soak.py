"""Boxes by the hundred: nothing grows, whoever is killed at whatever moment leaves nothing behind, and many stand side by side."""

from __future__ import annotations

import functools
import gc
import os
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import making
import pytest
from projects import Project, numbered

from sandbox import engine, pool, runner
from sandbox.agents import Agent, scripted_agent
from sandbox.box import Caps, Sandbox
from sandbox.endpoint import connect
from sandbox.episodes import roll_out
from sandbox.harness import HARNESS
from sandbox.harnesses import BUILTIN, Harness, RollOut
from sandbox.planning import plan
from sandbox.runner import Rules
from sandbox.spawning import NAME
from specs.records import Rollout, Solution
from specs.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.alone]
CAPS = Caps(memory_mb=256, disk_mb=16)
STEPS = [
    ("exec", {"command": "ls -l"}, "Looking."),
    ("read", {"path": "in.txt"}, ""),
    ("write", {"path": "note.md", "content": "# Doubling\n"}, ""),
    ("edit", {"path": "note.md", "edits": [{"oldText": "Doubling", "newText": "Doubled"}]}, ""),
    ("exec", {"command": "python3 -c 'print(2 * int(open(\"in.txt\").read()))' > out.txt"}, ""),
    ("exec", {"command": "cat out.txt"}, ""),
    ("", {}, "Doubled."),
]


def run(folder: Path, numbers: range, workers: int, sandbox: Sandbox, gate: threading.Barrier | None = None) -> list[Rollout]:
    """Roll the teacher out in this process, with six calls an episode. With a `gate`, nobody goes on until so many have begun."""
    tasks = [numbered(n) for n in numbers]
    solutions: list[Solution] = [making.solution(STEPS, task.id) for task in tasks]
    agent = scripted_agent("teacher", 0, tasks, solutions)
    harness = Harness(HARNESS, functools.partial(_gated, gate)) if gate else BUILTIN
    store = Store(folder / "store.sqlite")
    try:
        runner.run(plan(agent, tasks, 1, CAPS, sandbox), runner.local(agent, harness, CAPS, sandbox, workers), store, Rules())
        found = [store.record(runner.STAGE, a.id, Rollout) for a in plan(agent, tasks, 1, CAPS, sandbox)]
    finally:
        store.close()
    return [r for r in found if r is not None]


def right(made: list[Rollout], numbers: range) -> bool:
    left = [next((c.content for c in r.changes if c.path == "out.txt"), None) for r in made]
    return [r.status for r in made] == ["completed"] * len(numbers) and left == [f"{2 * n}\n".encode() for n in numbers]


def of_this_machine() -> dict[str, int]:
    """What a leak would add to."""
    groups = [name for _, names, _ in os.walk("/sys/fs/cgroup") for name in names if name.startswith("clawgym-")]
    processes = [p for p in Path("/proc").glob("[0-9]*") if _outer(p)]
    return {
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "groups": len(groups),
        "processes": len(processes),
        "temporary files": len([name for name in os.listdir(tempfile.gettempdir()) if "clawgym" in name]),
    }


def grown(now: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    """By how much each is more than before; a garbage collection may have made it less."""
    return {what: n - before[what] for what, n in now.items() if n > before[what]}


def of_this_process() -> dict[str, int]:
    """The same of the process that opens the boxes."""
    gc.collect()
    return of_this_machine() | {"open files": len(os.listdir("/proc/self/fd")), "threads": len(os.listdir("/proc/self/task"))}


def _outer(process: Path) -> bool:
    """Whether it is of a box: the fork server, bubblewrap, our runner, or a container's."""
    try:
        line = process.joinpath("cmdline").read_bytes()
    except OSError:
        return False
    return any(part in line for part in (NAME.encode(), b"bwrap", b"runner.pyc", b"containerd-shim"))


@pytest.mark.parametrize("sandbox", ["bwrap"], indirect=True)
def test_a_thousand_rollouts_leave_no_trace(sandbox: Sandbox, tmp_path: Path) -> None:
    assert right(run(tmp_path, range(1), 8, sandbox), range(1))
    before = of_this_process()
    for start in range(1, 1001, 250):
        numbers = range(start, start + 250)
        assert right(run(tmp_path, numbers, 8, sandbox), numbers)
        assert grown(of_this_process(), before) == {}


@pytest.mark.parametrize("sandbox", ["docker"], indirect=True)
def test_rollouts_in_containers_leave_no_trace(sandbox: Sandbox, tmp_path: Path) -> None:
    assert right(run(tmp_path, range(1), 8, sandbox), range(1))
    before = of_this_process()
    assert right(run(tmp_path, range(1, 61), 8, sandbox), range(1, 61))
    assert grown(of_this_process(), before) == {}
    assert containers() == []


def test_sixty_four_boxes_at_once(sandbox: Sandbox, tmp_path: Path) -> None:
    assert right(run(tmp_path, range(128), 64, sandbox, threading.Barrier(64)), range(128))


@contextmanager
def _gated(gate: threading.Barrier, agent: Agent, caps: Caps, sandbox: Sandbox) -> Iterator[RollOut]:
    with pool.warm(caps, sandbox) as opened, agent.opened() as endpoint:
        complete = connect(endpoint.url, endpoint.model)

        def gated(messages: list[Any], tools: list[Any], sampling: dict[str, Any]) -> Any:
            if len(messages) == 2:
                gate.wait(300)
            return complete(messages, tools, sampling)

        yield lambda attempt: roll_out(attempt, gated, opened)


def containers() -> list[str]:
    return [c["Id"] for c in engine.connect().containers(all=True, filters={"label": engine.STARTER})]


def test_a_runner_killed_at_any_moment_leaves_nothing_and_loses_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    tasks = [numbered(n) for n in range(300)]
    project = Project(tmp_path, tasks, backend=sandbox.backend, workers=8)
    moments = random.Random(20)
    if sandbox.backend == "docker":
        engine.connect()  # which removes what is left: now, and not when we look for it
    before = of_this_machine()
    for _ in range(20):
        process = project.start("--agent", "teacher")
        time.sleep(moments.uniform(0.5, 4.0))
        process.kill()
        process.communicate()
    project.stage("--agent", "teacher")
    found = project.rollouts("data/rollouts/teacher-train")
    assert set(found) == {task.id for task in tasks}
    assert {r.status for r in found.values()} == {"completed"}
    assert Counter(project.kept()) == Counter(task.id for task in tasks)
    assert grown(of_this_machine(), before) == {}
    if sandbox.backend == "docker":
        assert containers() == []
