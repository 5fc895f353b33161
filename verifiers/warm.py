"""A box that is used again and again, with a Python in it that is running already. For the audit only, whose code is the compiler's.

What an agent wrote always runs in a box that nothing has run in before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sandbox.box import Box, Result
from specs.records import Change, File

SERVER = Path(__file__).with_name("forking.py")
OWN = "/tmp/.forking"  # noqa: S108 (inside a box, and no part of its workspace)
_START = f"mkfifo {OWN}/in {OWN}/out && (setsid python3 -s {OWN}/forking.py < /dev/null &> /dev/null &)"
_ASK = f'echo -n x > {OWN}/in && IFS= read -r answer < {OWN}/out && printf %s "$answer"'
_SLACK_S = 15.0  # beyond a command's own time: the first answer waits for all that is imported


class Warm:
    """Does what a Box does for tools and checks, but keeps no output of commands.

    A command that only starts a Python is run as a fork of one that runs already. `fit` until that one is gone, or was kept waiting.
    """

    def __init__(self, box: Box):
        self._box, self._given, self.fit = box, tuple[File, ...](), True
        box.write(f"{OWN}/forking.py", SERVER.read_bytes())
        self.fit = box.exec(_START).status == 0

    def refill(self, files: Iterable[File]) -> bool:
        """Have these files in the workspace and nothing else; whether that went well. Raises BoxLimit or BoxError as a box does."""
        self._given = tuple(files)
        self._box.write(f"{OWN}/files", b"".join(f.content for f in self._given))
        said, _ = self._ask({"files": [(f.path, f.mode, len(f.content)) for f in self._given]}, 60)
        self.fit = said == "0"
        return self.fit

    def exec(self, command: str, workdir: str = "", timeout_s: float = 30) -> Result:
        """As `Box.exec`, without the output."""
        said, result = self._ask({"command": command, "workdir": workdir, "timeout": timeout_s}, timeout_s)
        if said.isdigit():
            return Result(int(said), "", False, False, result.killed)
        self.fit = False
        if said == "late":
            return Result(None, "", False, True, result.killed)
        return self._box.exec(command, workdir, timeout_s)

    def read(self, path: str) -> bytes:
        """As `Box.read`."""
        return self._box.read(path)

    def write(self, path: str, content: bytes) -> None:
        """As `Box.write`."""
        self._box.write(path, content)

    def snapshot(self) -> tuple[Change, ...]:
        """How the workspace differs from what it was filled with; nothing runs in it but what waits for the next command."""
        return self._box.look(self._given)

    def _ask(self, job: dict[str, Any], timeout_s: float) -> tuple[str, Result]:
        """What the server says, or nothing where it says nothing in time."""
        self._box.write(f"{OWN}/job.json", json.dumps(job).encode())
        result = self._box.exec(_ASK, timeout_s=timeout_s + _SLACK_S)
        return (result.output if result.status == 0 else ""), result
