"""Where the YAML entry that provenance names stands now: in the working tree, or else in the history, found by the entry's digest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bench import revisions
from specs.errors import UserError
from specs.locate import find_entry
from specs.records import SpecRef


@dataclass(frozen=True)
class Origin:
    """An entry's place. `state`: here | changed | gone. `line` and `commit` say where the very entry is: `commit` is empty for
    the working tree, `line` 0 where it was found nowhere. `now` is the line of the changed entry in the working tree."""

    ref: SpecRef
    state: str
    line: int
    commit: str
    now: int = 0

    @property
    def kind(self) -> str:
        """What the entry is: persona, scenario, domain, template, noise, operation, skill, wording."""
        parts = PurePosixPath(self.ref.path).parts
        if parts[-1] == "SKILL.md":
            return "skill"
        if parts[-1] == "operations.yaml":
            return "operation"
        named = {"personas": "persona", "scenarios": "scenario", "domains": "domain", "templates": "template", "wordings": "wording"}
        return next((named[p] for p in parts[:-1] if p in named), PurePosixPath(self.ref.path).stem)


def origin(ref: SpecRef, root: Path = Path()) -> Origin:
    """Find the entry that had this digest. The working tree comes first, then the history, newest first."""
    found = _entry(ref, root)
    if found is not None and found[1] == ref.digest:
        return Origin(ref, "here", found[0], "")
    state = "gone" if found is None else "changed"
    now = 0 if found is None else found[0]
    for commit in _commits(ref, root):
        line = _line_at(commit, ref, root)
        if line:
            return Origin(ref, state, line, commit, now)
    return Origin(ref, state, 0, "", now)


def _entry(ref: SpecRef, root: Path) -> tuple[int, str] | None:
    """(line, digest), None where the entry is not there or can't be read in that version."""
    try:
        return find_entry(ref.path, ref.name, root)
    except (UserError, FileNotFoundError, KeyError, TypeError, ValueError):  # broken YAML, a solution that is missing, another form of file
        return None


def _scope(ref: SpecRef) -> str:
    """What must be laid out to know the entry's digest: an operation's has its solution and sources in it."""
    path = PurePosixPath(ref.path)
    return path.parent.as_posix() if path.name == "operations.yaml" else path.as_posix()


def _commits(ref: SpecRef, root: Path) -> list[str]:
    return (revisions.git(root, "log", "--format=%H", "--", _scope(ref)) or b"").decode().split()


def _line_at(commit: str, ref: SpecRef, root: Path) -> int:
    """The line of the entry in that commit if it had the digest, else 0."""
    with revisions.laid_out(commit, [_scope(ref)], root) as folder:
        found = _entry(ref, folder) if folder else None
    return found[0] if found is not None and found[1] == ref.digest else 0
