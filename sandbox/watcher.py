"""Bounds of a box by watching its processes, where no control group can be made: a thread adds up what they hold, and ends the box past it.

Between two looks a box can go past its bounds by what its processes take in that time; their own rlimits hold meanwhile.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sandbox.running import Running

EVERY_S = 0.2
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


class Watched:
    """What the processes of one box use, by its process 1 as seen here. Looks at them until the process is gone."""

    named = "rlimits and a watcher"

    def __init__(self, init: int, memory_bytes: int, pids: int):
        self._init, self._memory, self._pids = init, memory_bytes, pids
        self._pid = int(re.findall(r"^Pid:\s+(-?\d+)$", Path(f"/proc/self/fdinfo/{init}").read_text(), re.MULTILINE)[0])
        self._cpu, self._killed, self._refused = dict[int, float](), 0, 0
        self._over = threading.Event()

    def cpu_seconds(self) -> float:
        """CPU time of all processes that were seen."""
        return sum(self._cpu.values())

    def killed_for_memory(self) -> int:
        """1 once the box was ended for holding too much."""
        return self._killed

    def refused_processes(self) -> int:
        """1 once the box was ended for having too many processes."""
        return self._refused

    def look(self) -> None:
        """Add up, and end the box where it is past its bounds."""
        held, seen = 0, 0
        for pid in self._processes():
            with suppress(OSError, IndexError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                self._cpu[pid] = (int(fields[11]) + int(fields[12])) / _TICKS
                resident, shared = map(int, Path(f"/proc/{pid}/statm").read_text().split()[1:3])
                held += (resident - shared) * _PAGE
                seen += 1
        if held > self._memory or seen > self._pids:
            self._killed, self._refused = int(held > self._memory), int(seen > self._pids)
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._init, signal.SIGKILL)

    def _processes(self) -> Iterator[int]:
        """Process 1 and all that descend from it; none can leave, for orphans become process 1's own."""
        todo = [self._pid]
        while todo:
            pid = todo.pop()
            yield pid
            with suppress(OSError):
                for task in os.scandir(f"/proc/{pid}/task"):
                    todo += map(int, Path(task.path, "children").read_text().split())

    def run(self) -> None:
        """Look again and again until told to stop."""
        while not self._over.wait(EVERY_S):
            self.look()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()


@contextmanager
def watch(running: Running, memory_bytes: int, pids: int) -> Iterator[Watched]:
    """A watcher of a started box, for as long as the context lasts."""
    watched = Watched(running.init, memory_bytes, pids)
    thread = threading.Thread(target=watched.run, name="watcher", daemon=True)
    thread.start()
    try:
        yield watched
    finally:
        watched.stop()
        thread.join()
