"""The chain from task to score, as far as files say it: which rollouts, verdicts and checkpoints there are, and what an id stands for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specs import layout, shards
from specs.errors import Problem, UserError

MODELS = Path("models")
SHOWN = 12
Row = dict[str, Any]
_ROLLOUT = ("id", "task", "task_digest", "agent", "attempt", "policy", "status", "limit", "error", "seconds")
_VERDICT = ("id", "rollout", "task", "agent", "verifier_digest", "status", "error", "score", "solved")


@dataclass(frozen=True)
class Checkpoint:
    """A model folder, and what it was trained on (nothing for the base)."""

    name: str
    rollouts: tuple[str, ...]
    tasks: tuple[str, ...]
    parent: str
    parent_digest: str


@dataclass(frozen=True)
class Target:
    """What an id stands for. `kind`: task | rollout | verdict | model."""

    kind: str
    id: str


def folders(kind: str) -> list[Path]:
    """All folders of shards of that kind (rollouts | verdicts): the stages' and those of runs on other models."""
    return sorted(p for p in [*Path("data", kind).glob("*"), *layout.RUNS.glob(f"*/{kind}")] if p.is_dir())


def _rows(kind: str, columns: tuple[str, ...], fits: Callable[[Row], bool]) -> list[Row]:
    found: dict[str, Row] = {}
    for folder in folders(kind):
        for row in shards.columns(folder, columns):
            if fits(row):
                found.setdefault(row["id"], row | {"folder": folder.as_posix()})
    return list(found.values())


def rollouts(fits: Callable[[Row], bool]) -> list[Row]:
    """Rollouts as dictionaries (with `folder`, and `policy` read) for which `fits` holds."""
    return [row | {"policy": json.loads(row["policy"])} for row in _rows("rollouts", _ROLLOUT, fits)]


def verdicts(fits: Callable[[Row], bool]) -> list[Row]:
    """Verdicts as dictionaries for which `fits` holds."""
    return _rows("verdicts", _VERDICT, fits)


def checkpoints() -> list[Checkpoint]:
    """The models there are, in order of name."""
    return [_checkpoint(folder) for folder in sorted(MODELS.glob("*")) if folder.is_dir()]


def _checkpoint(folder: Path) -> Checkpoint:
    path = folder / "trained_on.json"
    value = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return Checkpoint(
        folder.name,
        tuple(value.get("rollouts", ())),
        tuple(value.get("tasks", ())),
        value.get("parent", ""),
        value.get("parent_digest", ""),
    )


def digests_of(root: Path) -> dict[str, str]:
    """Digest by id of the records under `root`, nothing where there are none."""
    return {r["id"]: r["digest"] for r in shards.columns(root, ("id", "digest"))} if root.is_dir() else {}


def _ids() -> Iterator[Target]:
    if layout.TASKS.is_dir():
        yield from (Target("task", row["id"]) for row in shards.columns(layout.TASKS, ("id",)))
    for kind in ("rollouts", "verdicts"):
        for folder in folders(kind):
            yield from (Target(kind[:-1], row["id"]) for row in shards.columns(folder, ("id",)))
    yield from (Target("model", c.name) for c in checkpoints())


def resolve(identity: str) -> Target:
    """What `identity`, an id or the beginning of one, stands for. Raises UserError where that is nothing, or several things."""
    whole: dict[Target, None] = {}
    begun: dict[Target, None] = {}
    for target in _ids():
        if target.id == identity:
            whole[target] = None
        elif identity and target.id.startswith(identity):
            begun[target] = None
    found = list(whole) or list(begun)
    if len(found) == 1:
        return found[0]
    if not found:
        what, hint = f"'{identity}' is no task, rollout, verdict or model here", "ids stand in reports/bench.html and data/selection.json"
    else:
        listed = ", ".join(f"{t.kind} {t.id}" for t in found[:SHOWN])
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        what, hint = f"'{identity}' could be {listed}{more}", "write more of it"
    raise UserError([Problem("command line", 1, 1, "ID", what, hint)])
