"""What processes hold in memory, what several share divided among those that share it."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterable

import psutil

EVERY_S = 0.5  # how often a process that runs is looked at


def held(processes: Iterable[psutil.Process]) -> int:
    """Bytes that these hold; one that has ended meanwhile holds nothing."""
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total


def most_held(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> int:
    """Wait for a process to end; the most bytes that it and those below it held at once."""
    most = 0
    while process.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(process.pid)
            most = max(most, held([parent, *parent.children(recursive=True)]))
        time.sleep(EVERY_S)
    return most
