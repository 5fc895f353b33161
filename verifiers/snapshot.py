"""The snapshot that grading looks at: the task's workspace with an agent's changes, as plain values that nothing can alter."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sandbox.box import OpenBox
from sandbox.changes import MOST_ENTRIES, Budget, Tree, apply_changes, difference, read_tree, tree_of
from specs.records import Change, File, Task

SKILLS = ".skills/"
READ_BYTES = 1 << 20  # no artifact that a task asks for is near this; what is larger is refused unread
KEEP_BYTES = 8 << 20  # larger files of a folder are recorded without their content
TOTAL_BYTES = 256 << 20


class Fault(Exception):
    """Something about the outcome that makes a check score 0; the message says what."""


class Missing(Fault):
    """A path that isn't there."""


class Refused(Fault):
    """A path that is there but isn't read: a symlink, a folder, a device, a file too large."""


class Unreadable(Fault):
    """Bytes that are not what the check expects."""


@dataclass(frozen=True)
class View:
    """A task's workspace after an agent. `open_box` gives a fresh box holding some files, or is None where no code can be run."""

    task: Task
    entries: Tree
    open_box: OpenBox | None = None

    def read(self, path: str, limit: int = READ_BYTES) -> bytes:
        """The content of a regular file. Raises Missing, or Refused for a symlink, a folder, or more than `limit` bytes."""
        entry = self.entries.get(path)
        if entry is None:
            raise self._absent(path)
        if entry.type == "symlink":
            raise Refused(f"{path} is a symlink, and those are not followed")
        if entry.type != "file":
            raise Refused(f"{path} is a {'folder' if entry.type == 'directory' else 'special file'}, not a file")
        if entry.content is None or entry.size > limit:
            raise Refused(f"{path} is too large to be looked at ({entry.size} bytes)")
        return entry.content

    def _absent(self, path: str) -> Fault:
        parents = path.split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            entry = self.entries.get("/".join(parents[:depth]))
            if entry is not None and entry.type == "symlink":
                return Refused(f"{path} is reached through a symlink, and those are not followed")
        return Missing(f"{path} is missing")

    def files(self, under: str = "") -> tuple[str, ...]:
        """Paths of what is there but folders, sorted; only those under a folder where given."""
        return tuple(sorted(p for p, e in self.entries.items() if e.type != "directory" and inside(p, under)))

    def digest(self, path: str) -> str:
        """The digest of a regular file; empty where there is none."""
        entry = self.entries.get(path)
        return entry.digest if entry is not None and entry.type == "file" else ""

    def touched(self, path: str) -> bool:
        """Whether the path differs from the given workspace."""
        return self.digest(path) != given(self.task).get(path, "")

    def original(self) -> View:
        """The workspace as it was given."""
        return view_of(self.task, (), self.open_box)


def inside(path: str, folder: str) -> bool:
    """Whether a path lies under a folder; everything lies under the empty one."""
    folder = folder.strip("/")
    return folder in ("", ".") or path.startswith(folder + "/")


def inputs(task: Task) -> list[File]:
    """The given files but those of skills."""
    return [f for f in task.workspace if not f.path.startswith(SKILLS)]


def given(task: Task) -> dict[str, str]:
    """Digests of the given files by path."""
    return {f.path: f.digest for f in task.workspace}


def view_of(task: Task, changes: Iterable[Change], open_box: OpenBox | None = None) -> View:
    """The task's workspace with the changes applied."""
    return View(task, apply_changes(task.workspace, changes), open_box)


def changes_of(task: Task, folder: Path) -> tuple[Change, ...]:
    """How a folder on this machine differs from the task's workspace, sorted by path. Symlinks are recorded, never followed.

    Raises BoxLimit for more files than are ever looked at.
    """
    root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        left = read_tree(root, Budget(KEEP_BYTES, TOTAL_BYTES, MOST_ENTRIES))
    finally:
        os.close(root)
    return difference(tree_of(task.workspace), left)
