"""One attempt of a policy at a task, in a box of its own, as a Rollout."""

from __future__ import annotations

import functools
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sandbox import tools
from sandbox.backends import PLAIN
from sandbox.box import BoxLimit, Caps, OpenBox, Sandbox, open_box
from sandbox.harness import HARNESS, Complete, Episode, run_episode
from sandbox.overdue import ending
from specs import digests
from specs.errors import BoundaryError
from specs.records import Change, Failure, Json, Limits, Rollout, Task, Usage

NOTHING = Episode("error", "", None, (), [], Usage(0, 0, 0, 0), 0.0)


@dataclass(frozen=True)
class Attempt:
    """A rollout to be made, and all that its identity depends on. Travels as the records do (specs/rows.py)."""

    task: Task
    agent: str
    policy: Json  # name, and digest of the weights or script
    sampling: Json
    limits: Limits
    caps: Caps
    number: int
    sandbox: Sandbox = PLAIN
    harness: Json = field(default_factory=lambda: HARNESS)  # name, version, and what else of it changes what comes out

    @property
    def id(self) -> str:
        """Digest of everything that can change what comes out. The agent's name is not among it: `policy` is."""
        return digests.digest(
            {
                "task": self.task.digest,
                "policy": self.policy,
                "harness": {**self.harness, **self.sandbox.told()},
                "sampling": self.sampling,
                "limits": asdict(self.limits),
                "caps": asdict(self.caps),
                "attempt": self.number,
            }
        )


def roll_out(attempt: Attempt, complete: Complete, opened: OpenBox | None = None) -> Rollout:
    """Run the attempt in a fresh box of its sandbox and caps, or one that `opened` gives.

    Machinery that fails gives a rollout with status error, never an exception.
    """
    changes: tuple[Change, ...] = ()
    episode: Episode | None = None
    opened = opened or functools.partial(open_box, caps=attempt.caps, sandbox=attempt.sandbox)
    try:
        with opened(attempt.task.workspace, services=attempt.task.services) as box, ending(box.close):
            episode = run_episode(attempt.task, complete, box, attempt.sampling, attempt.limits)
            if episode.status != "error":
                changes = box.snapshot()
    except BoxLimit as stop:  # after the episode: what it left is past what can be looked at
        episode = replace(episode, status="limit", limit="box") if episode else _failed(None, "box", str(stop))
    except BoundaryError as failure:
        episode = _failed(episode, failure.boundary, str(failure))
    except Exception as failure:  # one rollout's fault must not lose the others; it is recorded and counted
        episode = _failed(episode, "box", f"{type(failure).__name__}: {failure}")
    return recorded(attempt, episode, changes if episode.status != "error" else (), tools.TOOLS)


def failed(attempt: Attempt, boundary: str, message: str) -> Rollout:
    """The rollout of an attempt of which nothing is known but how it failed."""
    return recorded(attempt, _failed(None, boundary, message), (), tools.TOOLS)


def _failed(episode: Episode | None, boundary: str, message: str) -> Episode:
    """The episode as far as it came, as an error."""
    return replace(episode or NOTHING, status="error", limit="", error=Failure(boundary, message))


def recorded(attempt: Attempt, episode: Episode, changes: tuple[Change, ...], offered: list[dict[str, Any]]) -> Rollout:
    """The rollout of an attempt: what its episode came to, what it left, the tools that the policy was offered."""
    return Rollout(
        id=attempt.id,
        task=attempt.task.id,
        task_digest=attempt.task.digest,
        agent=attempt.agent,
        attempt=attempt.number,
        harness={**attempt.harness, **attempt.sandbox.told()} | {"limits": asdict(attempt.limits), "caps": asdict(attempt.caps)},
        policy=attempt.policy,
        sampling=attempt.sampling,
        status=episode.status,
        limit=episode.limit,
        error=episode.error,
        calls=episode.calls,
        messages=episode.messages,
        tools=offered,
        usage=episode.usage,
        seconds=episode.seconds,
        changes=changes,
    )
