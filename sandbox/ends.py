"""How the rollouts of a plan ended: what is exported of them, and their counts by kind."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.runner import FAILED, STAGE, Done
from specs import shards
from specs.errors import BoundaryError
from specs.records import Rollout
from specs.store import Store

USED = ("prompt_tokens", "completion_tokens", "turns", "tool_calls")
REASON_CHARS, MOST_REASONS = 500, 1000  # of what is said of errors


@dataclass
class Ends:
    """Counts of rollouts: all that there are by status, the limits and the errors by which one, what they used; why some failed."""

    statuses: Counter[str] = field(default_factory=Counter)
    limits: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    usage: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    not_run: int = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a rollout, given as its row."""
        self.statuses[row["status"]] += 1
        self.limits[row["limit"]] += row["status"] == "limit"
        if error := row["error"]:
            self.errors[error["boundary"]] += 1
            why = error["boundary"], error["message"][:REASON_CHARS]
            if why in self.reasons or len(self.reasons) < MOST_REASONS:
                self.reasons[why] += 1
        for name in USED:
            self.usage[name] += row["usage"][name]

    @property
    def planned(self) -> int:
        return self.statuses.total() + self.not_run

    def report(self) -> dict[str, Any]:
        """The counts as JSON. They depend on the rollouts alone, so that the same ones give the same report."""
        return {
            "planned": self.planned,
            "completed": self.statuses["completed"],
            "limit": _sorted(self.limits),
            "error": _sorted(self.errors),
            "not_run": {"budget": self.not_run} if self.not_run else {},
            **{name: self.usage[name] for name in USED},
        }

    def line(self) -> str:
        """The counts as a line of text."""
        by = {"limit": self.limits, "error": self.errors}
        parts = [f"{n} {status}{_which(by.get(status))}" for status, n in sorted(self.statuses.items())]
        return ", ".join(parts + ([f"{self.not_run} not run: budget"] if self.not_run else []))


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return {name: n for name, n in sorted(counts.items()) if n}


def _which(counts: Counter[str] | None) -> str:
    return f" ({', '.join(f'{name} {n}' for name, n in _sorted(counts).items())})" if counts else ""


def kept(ids: Iterable[str], store: Store, agent: str) -> Iterator[dict[str, Any]]:
    """The rollouts of these ids that the store has, as they ended or as they failed last, in order of id, under the agent's name.

    As rows: making records of them in between takes longer than all the rest of an export.
    """
    for identity in sorted(ids):
        row = store.get(STAGE, identity) or store.get(FAILED, identity)
        if row is not None:
            yield row | {"agent": agent}


def export(root: Path, split: str, done: Done, store: Store, agent: str) -> Ends:
    """Write a run's rollouts as shards, one at a time; returns how they ended. Raises BoundaryError where one is not there."""
    ends = Ends()
    with shards.Writer(root, Rollout) as writer:
        for row in kept(done.there, store, agent):
            ends.add(row)
            writer.add(split, row)
    if ends.planned != len(done.there):
        raise BoundaryError("harness", f"{len(done.there) - ends.planned} rollouts are neither kept nor failed")
    return ends


def counted(root: Path, done: Done, store: Store, agent: str) -> Ends:
    """How those of a run that was stopped ended. Nothing is exported, lest a part pass for the whole; an older export goes."""
    ends = Ends(not_run=len(done.not_run))
    for row in kept(done.there, store, agent):
        ends.add(row)
    shutil.rmtree(root, ignore_errors=True)
    return ends


def write(path: Path, ends: Ends) -> None:
    """Write the report."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(ends.report(), indent=2) + "\n", encoding="utf-8")
