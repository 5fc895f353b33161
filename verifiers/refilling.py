"""Run inside a box, beside forking.py: a workspace that is filled again and again. Standard library only; paths are text, for speed."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

FOLDER = 0o755
LONG_AGO = time.time_ns() - 1_000_000_000


class Filled:
    """What the workspace was filled with, so that a file which is wanted again and was not touched since can stay."""

    def __init__(self, workspace: str, spared: set[str]):
        """`spared` are folders of /tmp that stay."""
        self.workspace, self.spared = workspace, spared
        self.put: dict[str, tuple[int, bytes, tuple[int, ...]]] = {}

    def refill(self, files: list[tuple[str, int, int]], contents: bytes) -> str:
        """Have these in the workspace and nothing else, and nothing in /tmp: [path, mode, size], contents one after another."""
        wanted, start = dict[str, tuple[int, bytes]](), 0
        for path, mode, size in files:
            wanted[f"{self.workspace}/{path}"] = mode, contents[start : start + size]
            start += size
        folders = {str(parent) for path in {os.path.dirname(p) for p in wanted} for parent in (path, *Path(path).parents)}  # noqa: PTH120
        for entry in os.scandir("/tmp"):  # noqa: S108 (the box's own)
            if entry.path not in self.spared:
                remove(entry)
        clear(self.workspace, folders, lambda path: path in wanted and self.put.get(path) == (*wanted[path], signature(path)))
        put = {}
        for path, (mode, content) in wanted.items():
            if not os.path.lexists(path):
                os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
                with open(path, "xb") as file:  # noqa: PTH123
                    file.write(content)
                    os.fchmod(file.fileno(), mode)
                    file.flush()
                    os.utime(file.fileno(), ns=(LONG_AGO, LONG_AGO))
            put[path] = mode, content, signature(path)
        self.put = put
        return "0"


def signature(path: str) -> tuple[int, ...]:
    """Changes with whatever is done to the file, be it within one tick of the clock: it was made to look old."""
    status = os.lstat(path)
    return status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def clear(folder: str, folders: set[str], keep: Callable[[str], bool]) -> None:
    """Remove what is in a folder but these folders, if they are as they were made, and files to keep."""
    for entry in os.scandir(folder):
        directory = entry.is_dir(follow_symlinks=False)
        if directory and entry.path in folders and entry.stat(follow_symlinks=False).st_mode & 0o7777 == FOLDER:
            clear(entry.path, folders, keep)
        elif directory or not keep(entry.path):
            remove(entry)


def remove(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry.path)
    else:
        os.unlink(entry.path)  # noqa: PTH108
