"""Grading in processes apart from the caller: clean, limited, replaced where one dies. Hostile bytes can cost a verdict, never a stage."""

from __future__ import annotations

import dataclasses
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, cast

from sandbox.backends import PLAIN, Sandbox
from specs import rows
from specs.errors import BoundaryError
from specs.records import Change, Task, Verifier
from verifiers import wire
from verifiers.snapshot import READ_BYTES

SCRIPT = Path(__file__).parent / "grader.py"
TRIES = 2  # a process that dies may be the machine's fault; one that dies on the same files again hardly is
ANSWER_BYTES = 16 << 20


@dataclass(frozen=True)
class Limits:
    """What one verdict may use: processor seconds and bytes of the grader itself, and seconds by the clock with all boxes it opens."""

    seconds: float = 30.0
    memory_bytes: int = 1 << 30
    clock_s: float = 900.0


class Exceeded(Exception):
    """An outcome whose grading ran into a limit; the message says which."""


class _Died(Exception):
    """The process is gone, or of no use any more."""


class Graders:
    """Up to `workers` processes that grade, started when first needed; without a `sandbox`, checks that run code are errors.

    Safe for as many threads as one likes: they take turns. Close it, or use it as a context, to end the processes.
    """

    def __init__(self, workers: int, limits: Limits | None = None, sandbox: Sandbox | None = PLAIN):
        self._limits, self._sandbox = limits or Limits(), sandbox
        self._folder = tempfile.TemporaryDirectory(prefix="clawgym-grading-")
        self._free: queue.LifoQueue[_Grader | None] = queue.LifoQueue()
        for _ in range(workers):
            self._free.put(None)
        self.close = weakref.finalize(self, _end_all, self._free, self._folder)

    def __enter__(self) -> Graders:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def ask(self, task: Task, verifier: Verifier, changes: Iterable[Change]) -> dict[str, Any]:
        """What `verifiers.grade.grade` says of the outcome, as the row of a Graded.

        Raises Exceeded where the checks need more than the limits; BoundaryError as `grade` does, and "grader" where the process
        dies twice or gives no answer by the clock.
        """
        left = wire.packed({"changes": [rows.to_row(_readable(c)) for c in changes]})
        why = ""
        for _ in range(TRIES):
            with self._borrowed() as grader:
                try:
                    answer = grader.ask(task, verifier, left)
                except _Died as death:
                    why = str(death)
                    continue
                return _graded(answer)
        raise BoundaryError("grader", why)

    @contextmanager
    def _borrowed(self) -> Iterator[_Grader]:
        """A process of this thread's own for a while; one that is still of use comes back, another is started in its place when needed."""
        if not self.close.alive:
            raise BoundaryError("grader", "the graders are closed")
        grader = self._free.get()
        try:
            grader = grader or _Grader(self._folder.name, self._limits, self._sandbox)
            yield grader
        finally:
            self._free.put(grader if grader and grader.fit else None)


def _readable(change: Change) -> Change:
    """Without a content that no check would read: its size is reason enough."""
    return change if change.size <= READ_BYTES else dataclasses.replace(change, content=None)


def _graded(answer: dict[str, Any]) -> dict[str, Any]:
    if "failure" in answer:
        raise BoundaryError(*answer["failure"])
    return cast(dict[str, Any], answer["graded"])


class _Grader:
    """One process. `fit` until it has died, hit a limit or kept somebody waiting too long."""

    def __init__(self, folder: str, limits: Limits, sandbox: Sandbox | None):
        self._limits, self.fit = limits, True
        self._case: tuple[Task, Verifier] | None = None
        self._said = tempfile.TemporaryFile()
        told = {"seconds": limits.seconds, "memory_bytes": limits.memory_bytes, "sandbox": sandbox and dataclasses.asdict(sandbox)}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-X", "utf8", str(SCRIPT), json.dumps(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            cwd=folder,
            env={"PATH": _search_path()},
            start_new_session=True,  # an interrupt at the terminal is the caller's to handle
        )

    def ask(self, task: Task, verifier: Verifier, left: bytes) -> dict[str, Any]:
        """The answer for an outcome, the task and the verifier told before it where they are others than last time.

        Raises Exceeded for a limit, _Died where the process is gone, BoundaryError where the clock ran out.
        """
        known = self._case is not None and self._case[0] is task and self._case[1] is verifier
        case = b"" if known else wire.packed({"task": rows.to_row(task), "verifier": rows.to_row(verifier)})
        late = threading.Event()
        watchdog = threading.Timer(self._limits.clock_s, self._stop, [late])
        watchdog.daemon = True
        watchdog.start()
        try:
            answer: dict[str, Any] = self._exchange(case + left)
        except (EOFError, OSError, ValueError) as error:
            raise self._reason(error, late.is_set()) from error
        except BaseException:  # its answer would be taken for the next one's
            self.end()
            raise
        finally:
            watchdog.cancel()
        self._case = (task, verifier)
        if "limit" in answer:  # it may still hold most of what it took
            self.end()
            raise Exceeded(f"limit: the checks need more than {self._limits.memory_bytes >> 20} MB of memory for these files")
        return answer

    def _exchange(self, request: bytes) -> Any:
        to, back = cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)
        to.write(request)
        to.flush()
        return wire.receive(back, ANSWER_BYTES)

    def _stop(self, late: threading.Event) -> None:
        late.set()
        self._process.kill()

    def _reason(self, error: Exception, late: bool) -> Exception:
        """Why there is no answer, now that the process is of no use."""
        self._process.kill()  # changes nothing where it has ended
        status = self._process.wait()
        self._said.seek(0)
        said = self._said.read()[-300:].decode(errors="replace").strip()
        self.end()
        if status == -signal.SIGPROF:
            return Exceeded(f"limit: the checks need more than {self._limits.seconds:g} s of processor time for these files")
        if late:
            return BoundaryError("grader", f"no verdict within {self._limits.clock_s:g} s")
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        return _Died(f"the process that did the grading died ({how}): {said or error}")

    def end(self) -> None:
        """Kill it; a box that it has open ends with it."""
        self.fit = False
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._said):
            with suppress(OSError):  # what was still to be written to it
                cast(BinaryIO, stream).close()


def _end_all(free: queue.LifoQueue[_Grader | None], folder: tempfile.TemporaryDirectory[str]) -> None:
    while not free.empty():
        if grader := free.get_nowait():
            grader.end()
    folder.cleanup()


def _search_path() -> str:
    """Where programs are looked for: the caller's folders, but none that would mean another place elsewhere."""
    return os.pathsep.join(p for p in os.environ.get("PATH", os.defpath).split(os.pathsep) if p.startswith("/"))
