"""What boxes of the tests are given, what is left in one after some commands, whether it still lives, and which processes run them."""

import re
from contextlib import suppress
from pathlib import Path

import psutil

from sandbox.box import Caps
from specs.records import Change, file_of

GIVEN = (file_of("a.txt", b"alpha\n"), file_of("in/b.csv", b"x,y\n1,2\n"), file_of("in/run.sh", b"#!/bin/sh\necho ran\n", 0o755))


def left(open_box, *commands: str, files=GIVEN, caps: Caps | None = None) -> dict[str, Change]:
    with open_box(files, caps) as box:
        for command in commands:
            result = box.exec(command)
            assert result.status == 0, result.output
        return {change.path: change for change in box.snapshot()}


def python(box, script: str, timeout_s: float = 20):
    box.write("/tmp/script.py", script.encode())
    return box.exec("python3 /tmp/script.py", timeout_s=timeout_s)


def alive(box) -> bool:
    return box.exec("echo on", timeout_s=10).output == "on\n"


def runners() -> list[int]:
    """Pids of the bubblewrap boxes' processes 1 that this process has begotten."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(OSError):  # it is gone
            status = Path(f"/proc/{process.pid}/status").read_text()
            found += [process.pid] if re.search(r"^NSpid:\t\d+\t1$", status, re.MULTILINE) else []
    return found
