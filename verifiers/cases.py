"""The cases of an audit: each task with all that its audit needs, from the shards of a build."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from specs import digests, layout, shards
from specs.errors import Problem, UserError
from specs.records import Candidate, Candidates, Solution, Task, Verifier
from verifiers.grade import HERE, code_digest

_AUDITING = (
    *("audit.py", "demanded.py", "forking.py", "kept.py", "measuring.py", "mutants.py", "pieces.py", "playing.py"),
    *("refilling.py", "slips.py", "tampering.py", "warm.py"),
)
T = TypeVar("T", Task, Verifier, Solution, Candidates)


@dataclass(frozen=True)
class Case:
    """One task with all that its audit needs."""

    task: Task
    verifier: Verifier
    solution: Solution
    candidates: tuple[Candidate, ...]

    @property
    def key(self) -> str:
        """What the scorecard depends on."""
        parts = [self.task.id, self.task.digest, self.verifier.digest, self.solution.digest]
        return digests.digest([*parts, *map(_identity, self.candidates), code_digest(), _own_digest()])


def _identity(candidate: Candidate) -> list[Any]:
    """All of a candidate, with the digests of its files in place of their content."""
    changes = [[c.path, c.type, c.mode, c.size, c.digest, c.content is None] for c in candidate.changes]
    return [candidate.kind, candidate.demand, candidate.should_pass, changes]


@functools.cache
def _own_digest() -> str:
    return digests.digest([digests.of_bytes((HERE / name).read_bytes()) for name in _AUDITING])


def splits(full: bool = False) -> dict[str, str]:
    """The split of each task of the build, by id. Raises UserError where shards are missing or don't belong together."""
    found, *others = (_listed(part, full) for part in (layout.TASKS, layout.VERIFIERS, layout.SOLUTIONS, layout.CANDIDATES))
    lacking = sorted(i for i in found if not all(i in other for other in others))
    if lacking:
        what = "no verifier, solution or candidates for this task"
        raise UserError([Problem(str(layout.build(layout.TASKS, full)), 1, 1, i, what, "compile again") for i in lacking])
    return found


def cases(full: bool = False, ids: Sequence[str] | None = None) -> list[Case]:
    """All tasks of the build, or those of `ids`, in order of split and id. Raises UserError as `splits` does."""
    wanted = list(splits(full) if ids is None else ids)
    tasks, verifiers = _by_id(layout.TASKS, Task, full, wanted), _by_id(layout.VERIFIERS, Verifier, full, wanted)
    solutions, candidates = _by_id(layout.SOLUTIONS, Solution, full, wanted), _by_id(layout.CANDIDATES, Candidates, full, wanted)
    return [Case(t, verifiers[i], solutions[i], candidates[i].candidates) for i, t in tasks.items()]


def _listed(part: Path, full: bool) -> dict[str, str]:
    return {identity: split for split, identity in shards.listed(layout.build(part, full))}


def _by_id(part: Path, cls: type[T], full: bool, ids: Sequence[str]) -> dict[str, T]:
    return shards.by_id(layout.build(part, full), cls, ids)
