"""One episode for reinforcement learning: the policy in a real box, its tokens, and the verifier's score as its reward."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sandbox.box import Caps, Sandbox
from sandbox.episodes import Attempt, roll_out
from sandbox.served import digest_of_model
from specs import digests, layout, shards
from specs.errors import Problem, UserError
from specs.records import Rollout, Task, Verifier
from train import merging
from train.engine import Engine
from train.tape import Tape
from verifiers.apart import Graders
from verifiers.grade import verdict

TRIES = 3
GRADERS = 2  # processes; most of an episode is the policy's time


@dataclass(frozen=True)
class Played:
    """An episode's tokens and its reward; None where the machinery failed in all tries.

    `completion_ids`, `mask` and `logprobs` are of one length, at least 1; mask 1 on the policy's own tokens.
    """

    prompt_ids: list[int]
    completion_ids: list[int]
    mask: list[int]
    logprobs: list[float]
    reward: float | None
    rollout: Rollout | None = None
    tries: int = 1


def tasks_of(split: str) -> dict[str, tuple[Task, Verifier]]:
    """The selected tasks of a split with their verifiers, by id. Raises UserError where none is selected yet."""
    ids = json.loads(layout.present(layout.SELECTION).read_text(encoding="utf-8"))[split]
    tasks = shards.by_id(layout.TASKS, Task, ids, split)
    found = {v.id: (tasks[v.id], v) for v in shards.read(layout.VERIFIERS, Verifier, split, ids) if v.id in tasks}
    if not found:
        raise UserError([Problem(str(layout.SELECTION), 1, 1, split, "no task to train on", "raise select.train in params.yaml")])
    return found


class Player:
    """Plays tasks in boxes: (engine, task id, step, number within the group) -> Played. Safe for several threads."""

    def __init__(
        self,
        tokenizer: Any,
        tasks: Mapping[str, tuple[Task, Verifier]],
        parent: Path,
        sampling: Mapping[str, Any],
        turns: int,
        window: int,
        caps: Caps,
        sandbox: Sandbox,
    ):
        self._tokenizer, self._tasks, self._sampling = tokenizer, tasks, sampling
        self._turns, self._window, self._caps, self._sandbox = turns, window, caps, sandbox
        self._graders = Graders(GRADERS, sandbox=sandbox)
        self._policy = {"name": "rl", "parent": digest_of_model(parent)}

    def __call__(self, engine: Engine, identity: str, step: int, number: int) -> Played:
        """Play once; tried again where the machinery fails. An episode of a policy that failed is a reward, one of a broken box is not."""
        task, verifier = self._tasks[identity]
        attempt = self._attempt(task, step, number)
        reward, tries = None, 0
        while reward is None and tries < TRIES:
            rollout = roll_out(attempt, Tape(engine, self._tokenizer, self._policy["name"], self._window))
            reward = _reward(self._graders, task, verifier, rollout)
            tries += 1
        return _played(rollout, reward, tries, self._tokenizer.eos_token_id)

    def _attempt(self, task: Task, step: int, number: int) -> Attempt:
        seed = int(digests.digest([self._sampling["seed"], step, task.id, number])[:8], 16)
        limits = replace(task.limits, steps=min(self._turns, task.limits.steps), seconds=max(task.limits.seconds, 600))
        policy = {**self._policy, "step": step}
        return Attempt(task, "rl", policy, {**self._sampling, "seed": seed}, limits, self._caps, number, self._sandbox)


def _reward(graders: Graders, task: Task, verifier: Verifier, rollout: Rollout) -> float | None:
    """The verifier's score on what the episode left behind; None where the episode or the grading failed as machinery."""
    graded = verdict(task, verifier, rollout, graders)
    return graded.score if graded.status == "graded" else None


def _played(rollout: Rollout, reward: float | None, tries: int, filler: int) -> Played:
    """The episode's calls, merged as for supervised training. A Tape refuses a rewritten history, so there is one sequence, as a group's
    trainer wants it; and none where the policy never spoke, for which a filler token stands that nothing is learned from.
    """
    merged = merging.merge(merging.recorded(rollout.calls))
    if not merged:
        return Played([filler], [filler], [0], [0.0], reward, rollout, tries)
    (whole,) = merged
    start = whole.spans[0].start
    ids, after = list(whole.input_ids), slice(start, None)
    return Played(ids[:start], ids[after], list(whole.mask[after]), list(whole.logprobs[after]), reward, rollout, tries)
