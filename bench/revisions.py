"""What git keeps: a revision's commit, its files laid out in a folder, what differs from the working tree."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from specs.archives import unpack
from specs.errors import Problem, UserError

GIT_TIMEOUT_S = 60


def git(root: Path, *arguments: str) -> bytes | None:
    """What git says, or None where it refuses: no repository, no such path in that commit."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, timeout=GIT_TIMEOUT_S, check=False)  # noqa: S607
    except FileNotFoundError:  # no git on this machine
        return None
    return done.stdout if done.returncode == 0 else None


def commit_of(revision: str, root: Path = Path()) -> str:
    """The commit that a revision names. Raises UserError where there is none."""
    found = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found is None:
        raise UserError([Problem(revision, 1, 1, "", "no such revision here", "name a branch, a tag or a commit: BASE=main")])
    return found.decode().strip()


def fork(commit: str, root: Path = Path()) -> str:
    """Where the checked-out commit left the history of `commit`; `commit` itself where they share none."""
    found = git(root, "merge-base", commit, "HEAD")
    return found.decode().split()[0] if found else commit


@contextmanager
def laid_out(commit: str, paths: Sequence[str] = (), root: Path = Path()) -> Iterator[Path | None]:
    """A temporary folder with the commit's files, or those below `paths` only; None where they are not in it."""
    archive = git(root, "archive", "--format=tar", commit, "--", *paths)
    if archive is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        unpack(archive, Path(folder))
        yield Path(folder)


def differing(commit: str, paths: Iterable[str], root: Path = Path()) -> list[str]:
    """Files below `paths` that differ between the commit and the working tree, new ones among them; sorted."""
    wanted = list(paths)
    changed = git(root, "diff", "--name-only", "-z", commit, "--", *wanted) or b""
    new = git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", *wanted) or b""
    return sorted({name.decode(errors="replace") for name in (changed + new).split(b"\0") if name})
