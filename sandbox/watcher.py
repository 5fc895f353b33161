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

import psutil

from sandbox.running import Running

EVERY_S = 0.2


class Watched:
    """What the processes of one box use, by its process 1 as seen here; it ends the box as a whole, and no single process."""

    named = "rlimits and a watcher"

    def __init__(self, init: int, memory_bytes: int, pids: int):
        self._init, self._memory, self._pids = init, memory_bytes, pids
        self._pid = int(re.findall(r"^Pid:\s+(-?\d+)$", Path(f"/proc/self/fdinfo/{init}").read_text(), re.MULTILINE)[0])
        self._spent, self._ended = 0.0, ""
        self._over = threading.Event()

    def cpu_seconds(self) -> float:
        """CPU time of all processes, as of the last look."""
        return self._spent

    def killed_for_memory(self) -> int:
        """None are, one by one."""
        return 0

    def refused_processes(self) -> int:
        """None are."""
        return 0

    def ended(self) -> str:
        """The cap that the box was ended for, or empty."""
        return self._ended

    def look(self) -> None:
        """Add up, and end the box where it is past its bounds."""
        held, seen, spent = 0, 0, 0.0
        for pid in self._family():
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                memory = process.memory_info()
                spent += sum(process.cpu_times()[:4])  # its own, and that of children that are gone
                held += memory.rss - memory.shared
                seen += 1
        self._spent = max(self._spent, spent)
        over = "memory" if held > self._memory else "pids" if seen > self._pids else ""
        if over:
            self._ended = over
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._init, signal.SIGKILL)

    def _family(self) -> Iterator[int]:
        """Process 1 and all that descend from it; none can leave, for orphans become process 1's own.

        By the kernel's lists of children: psutil looks at every process of the machine to find a few.
        """
        todo = [self._pid]
        while todo:
            pid = todo.pop()
            yield pid
            with suppress(OSError):
                for thread in os.scandir(f"/proc/{pid}/task"):
                    todo += map(int, Path(thread.path, "children").read_text().split())

    def run(self) -> None:
        """Look again and again until told to stop."""
        while not self._over.wait(EVERY_S):
            self.look()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()


def possible() -> bool:
    """Whether this kernel tells the children of a process."""
    return Path("/proc/thread-self/children").exists()


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
