"""Agents that nobody modified: a command-line program runs in the task's box; what is learned of it is what passes on its line.

The program reaches its model at MODEL_URL, where the rollout's own line of the recording proxy sets the sampling and keeps the limits.
What it left is read once everything in the box is dead. How to add one: docs/harnesses.md.
"""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox import pool, proxy
from sandbox.agents import Agent
from sandbox.box import Box, BoxLimit, Caps, Sandbox, checked, prepare, start_box
from sandbox.doors import Doors
from sandbox.episodes import NOTHING, Attempt, recorded
from sandbox.harness import Episode
from sandbox.overdue import ending
from sandbox.recording import Line
from specs.errors import BoundaryError
from specs.records import Change, Failure, Rollout

PORT = 18080
MODEL_URL = f"http://127.0.0.1:{PORT}/v1"
PLACE = "/tmp/harness"  # noqa: S108 (inside; the workspace is the agent's alone)
OUT, ERR, ENDED = f"{PLACE}/out", f"{PLACE}/err", f"{PLACE}/ended"
SLICE_S = 5.0  # the longest that the program is waited for at a time
PATIENCE_S = 15.0  # for a program to end once its line is closed
SAID = 600  # characters of what a program complained about that a record keeps
FULL_BYTES = 64 << 10  # with less than this left a disk counts as full


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit status (128 + n for signal n; None where it vanished without one), what it wrote, what it said
    on standard error."""

    status: int | None
    out: str
    said: str

    @property
    def felled(self) -> bool:
        """Whether a signal ended it that some process sends, none of those by which the kernel ends what has crashed."""
        return self.status is None or self.status - 128 in (1, 2, 3, 9, 15)


@dataclass(frozen=True)
class Program:
    """An agent as a program.

    `told`: name, version, and what else of it changes what comes out. `mounts`: (folder on the host, path inside) that it needs.
    `allowance`: what its box gets beyond the attempt's caps, by their names. `started`: what is done in its box before there is a
    task, for as long as the function it is given says so. `command`: the bash command that works on an attempt, once what it needs has
    been written beneath PLACE. `fault`: empty where it came to its end, else why not. `ahead`: boxes kept started.
    """

    told: Mapping[str, Any]
    mounts: tuple[tuple[str, str], ...]
    allowance: Mapping[str, int]
    started: Callable[[Box, Callable[[], bool]], None]
    command: Callable[[Box, Attempt], str]
    fault: Callable[[Ended], str]
    ahead: int = 1


@dataclass(frozen=True)
class Standing:
    """A started box with its own line, for one rollout."""

    box: Box
    line: Line


@dataclass
class _Run:
    """What came of an attempt so far."""

    limit: str = ""
    error: Failure | None = None
    felled: bool = False
    changes: tuple[Change, ...] = ()
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0


@contextmanager
def opened(program: Program, agent: Agent, caps: Caps, sandbox: Sandbox) -> Iterator[Callable[[Attempt], Rollout]]:
    """A function that rolls out attempts under a program, for as long as the context lasts; safe for many threads."""
    over = threading.Event()
    with agent.opened() as endpoint, proxy.recording(endpoint) as recorder:
        with pool.ahead(lambda: _standing(program, recorder, caps, sandbox, over), program.ahead) as taken:
            try:
                yield lambda attempt: roll_out(attempt, program, taken)
            finally:
                over.set()


@contextmanager
def _standing(program: Program, recorder: proxy.Proxy, caps: Caps, sandbox: Sandbox, over: threading.Event) -> Iterator[Standing]:
    more = replace(caps, **{name: getattr(caps, name) + value for name, value in program.allowance.items()})
    with recorder.line() as line, start_box(more, sandbox, Doors(str(line.path), program.mounts)) as box:
        box.exec(f"mkdir -p {PLACE}")
        program.started(box, lambda: not over.is_set())
        box.bridge(PORT)
        yield Standing(box, line)


def roll_out(attempt: Attempt, program: Program, taken: Any) -> Rollout:
    """Make an attempt in a box that `taken` gives. Machinery that fails gives a rollout with status error, never an exception.

    A program that is felled, once its agent has run commands, is tried once more: what comes from outside doesn't strike twice, and an
    agent that fells it twice ends at the limit of its box. So an agent can't get out of a verdict by it, and no accident is a verdict.
    """
    run, line = _once(attempt, program, taken)
    if run.felled:
        run, line = _once(attempt, program, taken)
    if run.felled:
        run.limit, run.error = "box", None
    return _record(attempt, run, line)


def _once(attempt: Attempt, program: Program, taken: Any) -> tuple[_Run, Line | None]:
    run, line = _Run(), None
    try:
        given, pages = checked(attempt.task.workspace, attempt.task.services)
        with taken() as standing, ending(standing.box.close):
            box, line = standing.box, standing.line
            try:
                prepare(box, given, pages)
                _work(run, box, line, program, attempt)
            except BoxLimit:
                run.limit = "box"
            run.seconds = time.monotonic() - run.began
            if not run.error or run.felled:
                run.changes = box.snapshot()
    except BoxLimit:  # what it left is past what can be looked at
        run.limit = "box"
    except BoundaryError as failure:
        run.error = Failure(failure.boundary, str(failure))
    except Exception as failure:  # one rollout's fault must not lose the others; it is recorded and counted
        run.error = Failure("harness", f"{type(failure).__name__}: {failure}")
    return run, line


def _work(run: _Run, box: Box, line: Line, program: Program, attempt: Attempt) -> None:
    """Let the program work, and say how it ended: the line's word before the program's own."""
    command = program.command(box, attempt)
    killed = box.killed_for_memory()
    line.begin(attempt.sampling, attempt.limits)
    run.began = time.monotonic()
    ended = _ended(box, line, command)
    if line.error:
        run.error = line.error
    elif line.limit or ended is None:
        run.limit = line.limit or "seconds"
    elif fault := program.fault(ended) or ("" if line.calls else "it asked the model nothing"):
        if box.killed_for_memory() > killed or _full(box):
            run.limit = "box"
        else:
            run.error = Failure("harness", f"{fault}; {ended.said[-SAID:] or 'it said nothing'}")
            run.felled = ended.felled and line.usage.tool_calls > 0


def _ended(box: Box, line: Line, command: str) -> Ended | None:
    """Run a command to its end; None where its time ran out, or its line is closed and it goes on. While the endpoint is waited for no
    time runs out."""
    whole = f"({command}) > {OUT} 2> {ERR} < /dev/null; echo $? > {ENDED}.new; mv {ENDED}.new {ENDED}"
    pid = int(box.exec(f"bash -c {shlex.quote(whole)} > /dev/null 2>&1 & echo $!").output)
    closed = None
    while (left := line.seconds_left()) > 0 or line.waiting:
        box.exec(f"tail -s 0.05 --pid={pid} -f /dev/null", timeout_s=min(left, SLICE_S) if left > 0 else 1.0)
        if box.exec(f"test ! -e {ENDED} && kill -0 {pid}").status != 0:
            return Ended(_status(box), _text(box, OUT), _text(box, ERR))
        if line.limit or line.error:
            closed = closed or time.monotonic()
            if time.monotonic() - closed > PATIENCE_S:
                break
    return None


def _status(box: Box) -> int | None:
    text = _text(box, ENDED).strip()
    return int(text) if text.isascii() and text.isdigit() else None


def _text(box: Box, path: str) -> str:
    """A file that the program wrote, or whatever lies there now; empty where there is none."""
    with suppress(OSError):
        return box.read(path).decode("utf-8", "replace")
    return ""


def _full(box: Box) -> bool:
    """Whether the agent has used up the disk, so that the program could not go on."""
    left = box.exec("for d in /tmp /workspace; do stat -f -c '%a %S' $d; done").output.split()
    sizes = [int(number) for number in left if number.isdigit()]
    return any(free * block < FULL_BYTES for free, block in zip(sizes[::2], sizes[1::2], strict=False))


def _record(attempt: Attempt, run: _Run, line: Line | None) -> Rollout:
    status = "error" if run.error else "limit" if run.limit else "completed"
    seconds = run.seconds or time.monotonic() - run.began
    if line is None:
        return recorded(attempt, replace(NOTHING, error=run.error, seconds=seconds), (), [])
    episode = Episode(status, "" if run.error else run.limit, run.error, line.calls, line.messages, line.usage, seconds)
    return recorded(attempt, episode, () if run.error else run.changes, line.tools)
