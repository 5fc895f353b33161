"""What bench modules read: the selection, columns of shards, and an agent's attempts joined with their verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specs import layout, shards
from specs.errors import BoundaryError
from specs.records import Change, Failure, Rollout, Usage, Verdict


@dataclass(frozen=True)
class Selection:
    """Ids of the tasks to train on, of the bench's instances, and of those instances that model agents take."""

    train: tuple[str, ...]
    bench: tuple[str, ...]
    models: tuple[str, ...]

    def sets_of(self, task: str) -> tuple[str, ...]:
        """Which of the three name the task."""
        return tuple(name for name in ("train", "bench", "models") if task in getattr(self, name))


@dataclass(frozen=True)
class Attempt:
    """One rollout of an agent, without its raw calls, and the verdict on it (None: there is none)."""

    rollout: str
    task: str
    agent: str
    attempt: int
    status: str  # completed | limit | error
    limit: str
    error: Failure | None
    messages: object
    usage: Usage
    seconds: float
    changes: tuple[Change, ...]
    verdict: Verdict | None
    weak: tuple[str, ...] = ()  # protections that its box went without

    @property
    def graded(self) -> bool:
        """Whether the attempt counts in scores: neither the rollout nor the grading failed."""
        return self.status != "error" and self.verdict is not None and self.verdict.status == "graded"

    @property
    def failure(self) -> Failure | None:
        """Why the attempt does not count in scores, or None where it does."""
        if self.graded:
            return None
        if self.error is not None:
            return self.error
        if self.verdict is None:
            return Failure("rollout" if self.status == "error" else "grader", "no verdict")
        return self.verdict.error or Failure("grader", "no reason recorded")

    @property
    def state(self) -> str:
        """What it counts as: solved | scored | error."""
        if not self.graded:
            return "error"
        return "solved" if self.verdict and self.verdict.solved else "scored"

    @property
    def score(self) -> float:
        """The verdict's score, 0 where the attempt does not count."""
        return self.verdict.score if self.graded and self.verdict else 0.0

    @property
    def ending(self) -> str:
        """`completed`, `limit: steps`, `error: endpoint` ...: how it ended, for counting."""
        failure = self.failure
        if failure is not None:
            return f"error: {failure.boundary}"
        return f"limit: {self.limit or 'unnamed'}" if self.status == "limit" else self.status


def selection(path: Path = layout.SELECTION) -> Selection:
    """What stage select wrote. Raises UserError where it has not run."""
    value = json.loads(layout.present(path).read_text(encoding="utf-8"))
    return Selection(*(tuple(value[name]) for name in ("train", "bench", "models")))


def metrics(name: str) -> dict[str, Any]:
    """metrics/<name>.json, or nothing where that stage has not run."""
    path = layout.METRICS / f"{name}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def attempts(rollouts: Path, verdicts: Path, agent: str, ids: Iterable[str]) -> tuple[Attempt, ...]:
    """An agent's attempts at the tasks `ids`, in order of task and attempt. `agent` is the name that they go by here.

    Raises UserError where shards are missing, BoundaryError("grader") where two verdicts stand on one rollout.
    """
    layout.present(rollouts)
    wanted = set(ids)
    judged = by_rollout(verdicts)
    found = (attempt(r, agent, judged.get(r.id)) for r in shards.read(rollouts, Rollout) if r.task in wanted)
    return tuple(sorted(found, key=lambda a: (a.task, a.attempt, a.rollout)))


def by_rollout(root: Path) -> dict[str, Verdict]:
    """The verdicts under `root` by the rollout they are on. Raises BoundaryError("grader") where two stand on one."""
    judged: dict[str, Verdict] = {}
    for verdict in shards.read(root, Verdict):
        if verdict.rollout in judged:
            ids = f"{judged[verdict.rollout].id} and {verdict.id}"
            raise BoundaryError("grader", f"{root}: two verdicts on rollout {verdict.rollout}: {ids}")
        judged[verdict.rollout] = verdict
    return judged


def attempt(r: Rollout, agent: str, verdict: Verdict | None) -> Attempt:
    """A rollout joined with the verdict on it. `agent` is the name that it goes by here."""
    parts = r.id, r.task, agent, r.attempt, r.status, r.limit, r.error, r.messages, r.usage, r.seconds, r.changes, verdict
    return Attempt(*parts, tuple(r.harness.get("weak", ())))


def expected(chosen: Selection, agents: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Which bench instances each agent of params rollout.agents takes: served policies only the models' subset."""
    return {name: chosen.models if agent["policy"] == "served" else chosen.bench for name, agent in agents.items()}
