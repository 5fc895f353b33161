"""What an agent left behind: reading a dead box's workspace, and the differences from what it was given.

A tree maps paths to `Change` records and lists directories too, so that tree(given) + changes = tree(left) exactly.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sandbox.faults import BoxLimit
from specs import digests
from specs.records import Change, File, deletion

Tree = dict[str, Change]
MOST_ENTRIES = 20_000
MOST_DEPTH = 64  # a directory further down is reported as `other` and not entered
_DIRECTORY_MODE = 0o755


@dataclass
class Budget:
    """What may still be read: bytes a file, bytes in all (links and holes can claim far more than a disk holds), entries."""

    file_bytes: int
    total_bytes: int
    entries: int


def tree_of(files: Iterable[File]) -> Tree:
    """The tree that given files make, with the directories they imply (mode 755)."""
    tree: Tree = {}
    for file in files:
        _put(tree, Change(file.path, "file", file.mode, len(file.content), file.digest, file.content))
    return tree


def apply_changes(files: Iterable[File], changes: Iterable[Change]) -> Tree:
    """The workspace after the changes: path -> entry. A deleted or replaced directory takes what it holds with it."""
    return changed(tree_of(files), changes)


def changed(before: Tree, changes: Iterable[Change]) -> Tree:
    """Another tree, as the changes leave this one."""
    tree = dict(before)
    ordered = sorted(changes, key=lambda c: (c.type != "deleted", c.path))
    for change in ordered:
        if change.type == "deleted":
            _drop(tree, change.path)
        else:
            _put(tree, change)
    return tree


def files_of(tree: Tree) -> tuple[File, ...]:
    """The regular files of a tree whose content is known: what another box can be opened with."""
    found = [c for c in tree.values() if c.type == "file" and c.content is not None]
    return tuple(File(c.path, c.mode, c.digest, c.content or b"") for c in sorted(found, key=lambda c: c.path))


def difference(before: Tree, after: Tree) -> tuple[Change, ...]:
    """The changes that lead from one tree to the other, by path. Content is compared by digest, modes by permission bits."""
    gone = [deletion(path) for path in before.keys() - after.keys()]
    made = [entry for path, entry in after.items() if path not in before or _identity(before[path]) != _identity(entry)]
    return tuple(sorted(gone + made, key=lambda change: change.path))


def read_tree(root: int, budget: Budget) -> Tree:
    """The tree under a directory descriptor that nothing writes to any more. No symlink is followed, no device or fifo opened.

    What is past the budget in bytes has content None; raises BoxLimit("disk") for more entries than the budget has.
    """
    return {entry.path: entry for entry in _walk(root, "", budget, 0)}


def _identity(entry: Change) -> tuple[str, int, int, str]:
    return entry.type, stat.S_IMODE(entry.mode), entry.size, entry.digest


def _drop(tree: Tree, path: str) -> None:
    entry = tree.get(path)
    if entry is not None and entry.type != "directory":  # nothing is beneath it
        del tree[path]
        return
    for below in [p for p in tree if p == path or p.startswith(f"{path}/")]:
        del tree[below]


def _put(tree: Tree, entry: Change) -> None:
    _enter(tree, entry.path.rpartition("/")[0])
    old = tree.get(entry.path)
    if old is not None and old.type == "directory" and entry.type != "directory":
        _drop(tree, entry.path)
    tree[entry.path] = entry


def _enter(tree: Tree, folder: str) -> None:
    """Have a directory at that path, and on all the way to it."""
    found = tree.get(folder)
    if folder and (found is None or found.type != "directory"):
        _enter(tree, folder.rpartition("/")[0])
        tree[folder] = Change(folder, "directory", _DIRECTORY_MODE, 0, "", None)


def _walk(directory: int, prefix: str, budget: Budget, depth: int) -> Iterator[Change]:
    names = sorted(os.listdir(directory), key=lambda name: (not _speakable(name), name))
    taken = {name for name in names if _speakable(name)}
    for name in names:
        budget.entries -= 1
        if budget.entries < 0:
            raise BoxLimit("disk", "the workspace holds more files than can be looked at")
        if name in taken:
            yield from _entries(directory, name, prefix + name, budget, depth)
            continue
        shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        while shown in taken:  # somebody named a file like our escape
            shown += "?"
        taken.add(shown)
        mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
        yield Change(prefix + shown, "other", stat.S_IMODE(mode), 0, "", None)


def _entries(directory: int, name: str, path: str, budget: Budget, depth: int) -> Iterator[Change]:
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        target = os.fsencode(os.readlink(name, dir_fd=directory))
        yield Change(path, "symlink", mode, len(target), digests.of_bytes(target), target)
    elif stat.S_ISREG(status.st_mode):
        yield _regular(directory, name, Change(path, "file", mode, status.st_size, "", None), budget)
    elif stat.S_ISDIR(status.st_mode) and depth < MOST_DEPTH:
        yield Change(path, "directory", mode, 0, "", None)
        fd = _opened(directory, name, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield from _walk(fd, f"{path}/", budget, depth + 1)
        finally:
            os.close(fd)
    else:
        yield Change(path, "other", mode, 0, "", None)


def _regular(directory: int, name: str, entry: Change, budget: Budget) -> Change:
    if entry.size > budget.total_bytes:
        return entry
    budget.total_bytes -= entry.size
    with os.fdopen(_opened(directory, name, os.O_RDONLY), "rb") as file:
        content = file.read(entry.size)
    kept = content if entry.size <= budget.file_bytes else None
    return replace(entry, digest=digests.of_bytes(content), content=kept)


def _opened(directory: int, name: str, flags: int) -> int:
    """Open what was just seen to be a file or a directory, even if its owner, who may be us, took his own rights away."""
    flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(name, flags, dir_fd=directory)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=directory)
        return os.open(name, flags, dir_fd=directory)


def _speakable(name: str) -> bool:
    """Whether a name is UTF-8, and so can stand in a record."""
    return name.isprintable() or not any(0xD800 <= ord(c) <= 0xDFFF for c in name)
