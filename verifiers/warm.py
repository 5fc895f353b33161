"""A box that is used again and again, with a Python in it that is running already. For the audit only, whose code is the compiler's.

What an agent wrote always runs in a box that nothing has run in before.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sandbox.box import Box, BoxError, Result
from specs.records import Change, File

PROGRAM = ("forking.py", "refilling.py")
OWN = "/tmp/.forking"  # noqa: S108 (inside a box, and no part of its workspace)
_START = f"mkfifo .in .out && (setsid python3 -s {OWN}/forking.py < /dev/null &> /dev/null &)"
_LENGTHS = struct.Struct(">II")
_SLACK_S = 15.0  # beyond a command's own time: the first answer waits for all that is imported
_KILLED = 128 + 9


class Warm:
    """Does what a Box does for tools and checks, but keeps no output of commands.

    A command that only starts a Python is run as a fork of one that runs already. `fit` until that one is gone, or was kept waiting.
    Raises BoxError where that Python can't be started. To be closed before its box is.
    """

    def __init__(self, box: Box):
        self._box, self._given, self._ends = box, tuple[File, ...](), list[int]()
        for name in PROGRAM:
            box.write(f"{OWN}/{name}", Path(__file__).with_name(name).read_bytes())
        if box.exec(_START).status != 0:
            raise BoxError("a warm box can't be started")
        try:
            self._ends += [box.end_of(".in", os.O_RDWR), box.end_of(".out", os.O_RDONLY)]
        except OSError as error:
            raise BoxError("a warm box can't be talked with") from error
        self.fit = True

    def close(self) -> None:
        """Give back what connects it with its box."""
        self.fit = False
        while self._ends:
            os.close(self._ends.pop())

    def refill(self, files: Iterable[File]) -> bool:
        """Have these files in the workspace and nothing else; whether that went well."""
        self._given = tuple(files)
        head = {"files": [(f.path, f.mode, len(f.content)) for f in self._given]}
        self.fit = self._ask(head, b"".join(f.content for f in self._given), 60) == "0"
        return self.fit

    def exec(self, command: str, workdir: str = "", timeout_s: float = 30) -> Result:
        """As `Box.exec`, without the output; of the caps only that on memory is told."""
        return self.exec_all([(command, workdir, timeout_s)])[0]

    def exec_all(self, steps: Sequence[tuple[str, str, float]]) -> list[Result]:
        """As `exec` for each (command, directory, seconds), but that scripts in a row are run by one Python.

        What one does to a library's module stays for the next; what it does else to its interpreter doesn't.
        """
        said = self._ask({"steps": steps}, b"", sum(s for *_, s in steps)).split() if self.fit else []
        made = [self._result(word) for word in said if word == "late" or word.isdigit()]
        self.fit = self.fit and len(made) == len(steps) and not any(r.timed_out or r.killed for r in made)
        return made + [self._box.exec(*step) for step in steps[len(made) :]]

    def _result(self, said: str) -> Result:
        if said == "late":
            return Result(None, "", False, True, "")
        killed = "memory" if int(said) == _KILLED and self._box.killed_for_memory() else ""
        return Result(int(said), "", False, False, killed)

    def read(self, path: str) -> bytes:
        """As `Box.read`."""
        return self._box.read(path)

    def write(self, path: str, content: bytes) -> None:
        """As `Box.write`."""
        self._box.write(path, content)

    def snapshot(self) -> tuple[Change, ...]:
        """How the workspace differs from what it was filled with; nothing runs in it but what waits for the next command."""
        return self._box.look(self._given)

    def _ask(self, job: dict[str, Any], body: bytes, timeout_s: float) -> str:
        """What the server says, or nothing where it says nothing in time."""
        deadline = time.monotonic() + timeout_s + _SLACK_S
        head = json.dumps(job).encode()
        rest, (requests, answers) = memoryview(_LENGTHS.pack(len(head), len(body)) + head + body), self._ends
        while rest:
            if not _ready(requests, select.POLLOUT, deadline):
                return ""
            rest = rest[os.write(requests, rest) :]
        said = b""
        while not said.endswith(b"\n"):
            part = os.read(answers, 4096) if _ready(answers, select.POLLIN, deadline) else b""
            if not part:
                return ""
            said += part
        return said[:-1].decode()


def _ready(end: int, event: int, deadline: float) -> bool:
    """Whether a descriptor comes to be ready in time."""
    poll = select.poll()
    poll.register(end, event)
    return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
