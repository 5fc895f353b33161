"""One agent under two harnesses: how many of its verdicts and workspaces are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.reading import Attempt


@dataclass(frozen=True)
class Agreement:
    """Of `both` attempts made under both harnesses: those with the same verdict, those that left the same workspace."""

    both: int
    verdicts: int
    workspaces: int

    def __str__(self) -> str:
        return f"{self.verdicts} verdicts and {self.workspaces} workspaces of {self.both}"


def agreement(ours: Sequence[Attempt], theirs: Sequence[Attempt]) -> Agreement:
    """How far two sets of attempts at the same tasks agree; attempts that only one of them has are left out."""
    others = {(a.task, a.attempt): a for a in theirs}
    pairs = [(a, others[a.task, a.attempt]) for a in ours if (a.task, a.attempt) in others]
    return Agreement(
        len(pairs),
        sum(_same_verdict(a, b) for a, b in pairs),
        sum({c.path: c for c in a.changes} == {c.path: c for c in b.changes} for a, b in pairs),
    )


def _same_verdict(a: Attempt, b: Attempt) -> bool:
    """Whether both were graded, and alike in all but whose verdict it is."""
    if a.verdict is None or b.verdict is None:
        return False
    return a.graded and b.graded and replace(a.verdict, id=b.verdict.id, rollout=b.verdict.rollout, agent=b.verdict.agent) == b.verdict
