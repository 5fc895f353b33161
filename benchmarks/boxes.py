"""What boxes cost, each backend beside what does less: opened and closed, called, and worked in by many scripted agents at once.

The references: a plain process, a bare start of Python, bubblewrap with flags like ours and none of our code, and the local sandbox of
inspect_ai, which protects from nothing: a temporary directory and plain processes, of which it runs as many at once as there are cores.
Its model is a mock in its own process, while ours speaks HTTP. Its docker sandbox is left out: it takes Docker Compose and an image from
a registry, where our boxes need an engine alone.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import statistics
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

from benchmarks import episodes
from benchmarks.engine import NoEngine, NotStarted, engine
from benchmarks.episodes import Ask, Tally
from benchmarks.timing import timed, turns
from sandbox import bwrap, pool
from sandbox.backends import configured
from sandbox.box import Box, BoxError, Caps, Sandbox, open_box
from specs import errors

BACKENDS = ("bwrap", "docker")
INSPECT = "inspect-ai==0.3.285"
LOCAL = "inspect_ai, local"
OPENINGS, CALLS, CALLS_A_TURN, TURNS = 30, 60, 5, 2
REST_S = 0.15  # for what was just closed to go, and for boxes to be started ahead
DOCKER_SHARE = 0.32  # of the rollouts, in one turn: its boxes start more slowly
Works = dict[str, Callable[[], float]]


def plain_bwrap() -> list[str]:
    """Bubblewrap around nothing, with flags that isolate as those of a box do."""
    line = [shutil.which("bwrap") or "bwrap", "--unshare-all", "--unshare-user", *(["--disable-userns"] if bwrap.bars_nesting() else [])]
    line += ["--as-pid-1", "--new-session", "--cap-drop", "ALL", "--ro-bind", "/usr", "/usr"]
    for path, target in bwrap.LINKS.items():
        line += ["--symlink", target, path] if Path("/", target).exists() else []
    return [*line, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/workspace", "/usr/bin/true"]  # noqa: S108 (inside)


def process(*line: str) -> Callable[[], float]:
    """Start a process and wait for its end."""
    return timed(lambda: subprocess.run(line, check=True, capture_output=True))


def through(opened: Callable[..., AbstractContextManager[Box]]) -> Callable[[], float]:
    """Open a box, run `true` in it, close it."""

    def whole() -> None:
        with opened(()) as box:
            box.exec("true")

    return timed(whole)


def openings(sandboxes: Sequence[Sandbox]) -> None:
    """The table of boxes that are made, called once and destroyed."""
    works: Works = {"a plain process": process("/bin/true"), "a bare start of Python": process("/usr/bin/python3", "-c", "pass")}
    works["plain bwrap"] = process(*plain_bwrap())
    with ExitStack() as stack:
        for sandbox in sandboxes:
            works[sandbox.backend] = through(functools.partial(open_box, sandbox=sandbox))
            if sandbox.backend == "bwrap":
                works["bwrap, started ahead"] = through(stack.enter_context(pool.warm(Caps(), sandbox)))
        _table("create, run true, destroy", works, OPENINGS, "plain bwrap")


def calls(sandboxes: Sequence[Sandbox], ask: Ask | None) -> None:
    """The table of calls in boxes that are open."""
    works: Works = {"a plain process": process("bash", "-c", "true")}
    with ExitStack() as stack:
        for sandbox in sandboxes:
            box = stack.enter_context(open_box((), sandbox=sandbox))
            works[sandbox.backend] = timed(functools.partial(box.exec, "true"))
        works = {name: _several(work) for name, work in works.items()}
        if ask:
            works[LOCAL] = lambda: statistics.median(ask({"calls": CALLS_A_TURN})["seconds"])
        _table("a call of true in an open box", works, CALLS, "a plain process")


def _several(work: Callable[[], float]) -> Callable[[], float]:
    return lambda: statistics.median(work() for _ in range(CALLS_A_TURN))


def _table(title: str, works: Works, rounds: int, reference: str) -> None:
    turns(works, 2)  # what is found and made only once
    found = turns(works, rounds, REST_S)
    print(f"\n{title}: the median of {rounds} turns")
    for name, seconds in found.items():
        print(f"  {name:<24}{seconds * 1000:>8.1f} ms{seconds / found[reference]:>8.2f} times {reference}", flush=True)


def rates(sandboxes: Sequence[Sandbox], ask: Ask | None, count: int) -> None:
    """The table of scripted episodes, many at once."""
    works: dict[str, Callable[[int], Tally]] = {sandbox.backend: functools.partial(episodes.ours, sandbox) for sandbox in sandboxes}
    if ask:
        works[LOCAL] = functools.partial(episodes.theirs, ask)
    for work in works.values():
        work(1)  # what is found and made only once
    tallies = dict.fromkeys(works, Tally())
    for turn in range(TURNS):
        for name, work in works.items():
            if name != "docker":
                tallies[name] += work(round(count / TURNS))
            elif turn == 0:
                tallies[name] += work(round(count * DOCKER_SHARE))
    print(f"\nscripted rollouts of {len(episodes.STEPS)} tool calls, {episodes.AT_ONCE} workers, in {TURNS} turns (docker: one)")
    for name, tally in tallies.items():
        print(f"  {name:<24}{tally}", flush=True)


@contextmanager
def reachable(wanted: Sequence[str]) -> Iterator[list[Sandbox]]:
    """The sandboxes of the backends wanted, as params.yaml has them; without docker, with a line that says so, where no engine answers."""
    found = list(dict.fromkeys(wanted))
    with ExitStack() as stack:
        if "docker" in found:
            try:
                stack.enter_context(_engine())
            except (NoEngine, NotStarted, BoxError) as error:
                print(f"docker is left out: {error}")
                found.remove("docker")
        yield [replace(configured(), backend=backend) for backend in found]


@contextmanager
def _engine() -> Iterator[None]:
    """An engine that answers, under the name by which boxes look for one."""
    from sandbox.engine import connect  # noqa: PLC0415 (docker takes a fifth of a second to import)

    with engine() as address, mock.patch.dict(os.environ, DOCKER_HOST=address):
        connect()
        yield


def main(argv: Sequence[str]) -> int:
    """`python -m benchmarks.boxes`: three tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.boxes", description=__doc__)
    parser.add_argument("--backend", action="append", choices=BACKENDS, help="may be repeated; all unless told")
    parser.add_argument("--rollouts", type=int, default=200, help=f"of each backend; docker makes {DOCKER_SHARE:g} of them")
    parser.add_argument("--inspect", type=Path, metavar="PYTHON", help=f"an interpreter that has {INSPECT}")
    args = parser.parse_args(argv)
    how = f"python -m venv X && X/bin/pip install {INSPECT}, then --inspect X/bin/python"
    if args.inspect and not episodes.has_inspect(args.inspect):
        parser.error(f"{args.inspect} has no inspect_ai; {how}")
    with reachable(args.backend or BACKENDS) as sandboxes, ExitStack() as stack:
        ask = stack.enter_context(episodes.inspected(args.inspect)) if args.inspect else None
        if not ask:
            print(f"inspect_ai is left out: {how}")
        openings(sandboxes)
        calls(sandboxes, ask)
        rates(sandboxes, ask, args.rollouts)
    return 0


if __name__ == "__main__":
    errors.run(main)
