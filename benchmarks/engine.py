"""A Docker engine to measure and test with: the one that DOCKER_HOST names, or one of our own, started here."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_S = 60
FOLDER = "clawgym-engine-"  # how the name of an engine's own folder begins
PROGRAMS = "/usr/sbin:/usr/bin:/sbin:/bin"


class NoEngine(Exception):
    """There is no engine here and none can be started; the message says what would help."""


class NotStarted(Exception):
    """An engine that could be started doesn't come up."""


@contextmanager
def engine() -> Iterator[str]:
    """The address of an engine. Raises NoEngine or NotStarted."""
    if "DOCKER_HOST" in os.environ:
        yield os.environ["DOCKER_HOST"]
        return
    program = shutil.which("dockerd", path=PROGRAMS)
    if program is None or os.geteuid() != 0:
        raise NoEngine("no Docker engine: set DOCKER_HOST, or be root and have docker.io installed")
    with tempfile.TemporaryDirectory(prefix=FOLDER, ignore_cleanup_errors=True) as folder:
        address = f"unix://{folder}/docker.sock"
        places = ["--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid", "-H", address]
        alone = ["--bridge=none", "--iptables=false", "--ip-forward=false", "--storage-driver", "overlay2"]
        with Path(folder, "log").open("wb") as log:
            running = subprocess.Popen([program, *places, *alone], stdout=log, stderr=log, env={"PATH": PROGRAMS, "HOME": folder})
        try:
            deadline = time.monotonic() + START_S
            while not Path(folder, "docker.sock").is_socket():
                if running.poll() is not None or time.monotonic() > deadline:
                    raise NotStarted(f"the engine doesn't start: {Path(folder, 'log').read_text()[-2000:]}")
                time.sleep(0.1)
            yield address
        finally:
            running.terminate()
            running.wait(START_S)
