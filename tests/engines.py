"""A Docker engine for tests: the one that DOCKER_HOST names, or one of their own, started here."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

START_S = 60
BACKENDS = ("bwrap", "docker")


@contextmanager
def engine() -> Iterator[str]:
    """The address of an engine; skips where there is none and none can be started."""
    if "DOCKER_HOST" in os.environ:
        yield os.environ["DOCKER_HOST"]
        return
    program = shutil.which("dockerd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None or os.geteuid() != 0:
        pytest.skip("no Docker engine: set DOCKER_HOST, or be root and have docker.io installed")
    with tempfile.TemporaryDirectory(prefix="clawgym-engine-", ignore_cleanup_errors=True) as folder:
        address = f"unix://{folder}/docker.sock"
        places = ["--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid", "-H", address]
        alone = ["--bridge=none", "--iptables=false", "--ip-forward=false", "--storage-driver", "overlay2"]
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": folder}
        with Path(folder, "log").open("wb") as log:
            running = subprocess.Popen([program, *places, *alone], stdout=log, stderr=log, env=env)
        try:
            deadline = time.monotonic() + START_S
            while not Path(folder, "docker.sock").is_socket():
                if running.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"the engine doesn't start: {Path(folder, 'log').read_text()[-2000:]}")
                time.sleep(0.1)
            yield address
        finally:
            running.terminate()
            running.wait(START_S)
