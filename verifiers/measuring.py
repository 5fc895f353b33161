"""Grading many outcomes of one task: a check looks again only where what it looks at has changed.

A check looks at its params' `path`, or at what lies `under` a folder, and at the task as it was given; so most outcomes, which differ
from the right one in one artifact, cost one check.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.box import OpenBox
from sandbox.changes import Tree, changed, tree_of
from specs.records import Change, Check, CheckScore, Task, Verifier
from verifiers.grade import combined, grade_view
from verifiers.snapshot import View, inside

PROTECTED = "protected"


@dataclass(frozen=True)
class Measured:
    """What a verifier says of one outcome. `same`: whether it is the right outcome to the byte.

    `concerned` are the kinds of the checks that take something off ("protected" among them), or, where none does, of those that see
    other files than the right ones; `artifact` is the score of these checks alone. `anew` are the kinds of the checks that had not
    seen the like before.
    """

    score: float
    artifact: float
    concerned: tuple[str, ...]
    anew: tuple[str, ...]
    same: bool


class Measuring:
    """Measures outcomes of one task against the right one, keeping what each check said of what it saw."""

    def __init__(self, task: Task, verifier: Verifier, right: Iterable[Change], open_box: OpenBox):
        self._task, self._verifier, self._open_box = task, verifier, open_box
        self._given = tree_of(task.workspace)
        self._right = changed(self._given, right)
        self._right_files = _files(self._right)
        self._said: dict[tuple[str, Any], CheckScore] = {}

    def __call__(self, changes: Iterable[Change]) -> Measured:
        """The scores of an outcome. Raises BoundaryError as grading does."""
        checks = self._verifier.checks
        tree = changed(self._given, changes)
        seen = [(check.id, _seen(check, tree)) for check in checks]
        anew = self._look(tree, seen)
        scores = [self._said[s].score for s in seen]
        broken = [p.path for p in self._verifier.protected if _digest(tree, p.path) != p.digest]
        less = [n for n, s in enumerate(scores) if s < 1]
        if not less and not broken:
            less = [n for n, (c, s) in enumerate(zip(checks, seen, strict=True)) if s[1] != _seen(c, self._right)]
        artifact = combined((checks[n].weight, scores[n]) for n in less)
        kinds = {checks[n].kind for n in less} | ({PROTECTED} if broken else set())
        kept = 0.0 if broken else 1.0  # a protected file that was touched takes everything off
        score = kept * combined((c.weight, s) for c, s in zip(checks, scores, strict=True))
        return Measured(score, kept * artifact, tuple(sorted(kinds)), anew, _files(tree) == self._right_files)

    def _look(self, tree: Tree, seen: list[tuple[str, Any]]) -> tuple[str, ...]:
        """Have the checks look that have not seen this before; their kinds."""
        new = [(c, s) for c, s in zip(self._verifier.checks, seen, strict=True) if s not in self._said]
        if new:
            alone = dataclasses.replace(self._verifier, checks=tuple(dataclasses.replace(c, weight=1.0) for c, _ in new), protected=())
            graded = grade_view(View(self._task, tree, self._open_box), alone)
            self._said |= {s: said for (_, s), said in zip(new, graded.checks, strict=True)}
        return tuple(sorted({c.kind for c, _ in new}))


def _seen(check: Check, tree: Tree) -> tuple[Any, ...]:
    """All that the check can see of an outcome: its file or folder, and what it is reached through."""
    path, under = check.params.get("path"), check.params.get("under")
    if path is None and under is None:
        return tuple(sorted((p, _entry(e)) for p, e in tree.items()))
    places = [p.strip("/") for p in (path, under) if p is not None]
    ways = {way for p in places for way in _ways(p)}
    folder = [p for p in tree if inside(p, under)] if under is not None else []
    return tuple((p, _entry(tree[p])) for p in sorted({*ways, *folder}) if p in tree)


def _ways(path: str) -> list[str]:
    """The path, and all folders on the way to it."""
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]


def _entry(entry: Change) -> tuple[str, int, str, bool]:
    return entry.type, entry.size, entry.digest, entry.content is None


def _files(tree: Tree) -> dict[str, tuple[str, str]]:
    """What is in a tree but folders."""
    return {path: (entry.type, entry.digest) for path, entry in tree.items() if entry.type != "directory"}


def _digest(tree: Tree, path: str) -> str:
    entry = tree.get(path)
    return entry.digest if entry is not None and entry.type == "file" else ""
