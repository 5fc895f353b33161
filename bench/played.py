"""An agent's rollouts with what belongs to them, one at a time: the verdict, and the task and its verifier if they are still the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bench import reading
from bench.reading import Attempt
from specs import digests, layout, shards
from specs.errors import Problem, UserError
from specs.hostile import deeper
from specs.records import Rollout, Task, Verifier

T = TypeVar("T")
SPLITS = ("train", "bench")
MOST_NESTED = 64  # levels of arguments that are taken apart
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Played:
    """A rollout and what it is about. `task` and `verifier` are None where they are gone, or others by now."""

    rollout: Rollout
    attempt: Attempt
    task: Task | None
    verifier: Verifier | None


@dataclass(frozen=True)
class Source:
    """Where an agent's rollouts on a split lie, and the verdicts on them."""

    agent: str
    split: str
    rollouts: Path
    verdicts: Path


def source(agent: str, split: str) -> Source:
    """The stages' folders of that agent, or those of a run of `make bench` by that name.

    Raises UserError where there are none, or the name is none.
    """
    if split not in SPLITS:
        raise UserError([Problem("command line", 1, 1, "SPLIT", f"'{split}' is not one of {', '.join(SPLITS)}")])
    if not _NAME.fullmatch(agent):
        raise UserError([Problem("command line", 1, 1, "AGENT", f"{agent!r} is no agent's name", "letters, digits, dot, dash, underscore")])
    found = Source(agent, split, layout.rollouts(agent, split), layout.verdicts(agent, split))
    run = layout.RUNS / agent
    if split == "bench" and not found.rollouts.is_dir() and (run / "rollouts").is_dir():
        return Source(agent, split, run / "rollouts", run / "verdicts")
    if not found.rollouts.is_dir():
        there = ", ".join(sorted(p.name for p in found.rollouts.parent.glob("*") if p.is_dir())) or "none"
        raise UserError([Problem(found.rollouts.as_posix(), 1, 1, "", "is not there", f"there are {there}; make repro makes them")])
    return found


def rows(of: Source, columns: Iterable[str]) -> list[dict[str, Any]]:
    """Those columns of the rollouts, `id` among them. Raises UserError for an id that is no digest: it could name any file."""
    found = list(shards.columns(of.rollouts, ["id", *columns]))
    wrong = [row["id"] for row in found if not _DIGEST.fullmatch(row["id"])]
    if wrong:
        raise UserError([Problem(of.rollouts.as_posix(), 1, 1, "id", f"{i[:80]!r} is no digest") for i in wrong[:10]])
    return found


def played(of: Source, wanted: Iterable[str]) -> Iterator[Played]:
    """The rollouts of those ids, in order of id. All their tasks are in memory at once, the rollouts one by one."""
    ids = set(wanted)
    about = {row["task"] for row in shards.columns(of.rollouts, ("id", "task")) if row["id"] in ids}
    tasks = shards.by_id(layout.TASKS, Task, about) if layout.TASKS.is_dir() else {}
    verifiers = shards.by_id(layout.VERIFIERS, Verifier, about) if layout.VERIFIERS.is_dir() else {}
    verdicts = reading.by_rollout(of.verdicts) if of.verdicts.is_dir() else {}
    for rollout in shards.read(of.rollouts, Rollout, ids=ids):
        verdict, task, verifier = verdicts.get(rollout.id), tasks.get(rollout.task), verifiers.get(rollout.task)
        yield Played(
            rollout,
            reading.attempt(rollout, of.agent, verdict),
            task if task and task.digest == rollout.task_digest else None,
            verifier if verifier and verdict and verifier.digest == verdict.verifier_digest else None,
        )


def arguments(call: Any) -> dict[str, Any] | str:
    """A call's arguments as the object that their JSON says, or as the text they came as where that is none that every reader takes.

    Python reads NaN, halves of characters and nesting without end, which others don't write, or not as it was.
    """
    function = call.get("function") if isinstance(call, dict) else None
    raw = function.get("arguments") if isinstance(function, dict) else None
    text = raw if isinstance(raw, str) else digests.canonical(raw)
    try:
        value = json.loads(text)
        said = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return text
    return value if said and isinstance(value, dict) and not deeper(value, MOST_NESTED) else text
