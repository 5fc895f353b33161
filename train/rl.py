"""The stage of reinforcement learning: GRPO (arXiv 2402.03300) over multi-turn episodes in real boxes.

The reward is the verifier's score on the box's snapshot, as in the paper that this follows (arXiv 2604.26904): no KL
term, clipping at 0.2 and 0.28. The policy that acts is the one being trained, with the weights of that moment.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from sandbox.backends import configured
from sandbox.box import Caps
from specs import errors, params, shards
from specs.records import Rollout
from train import engine, play, training
from train.engine import Engine
from train.play import Played

STAGE = "rl"
WORKERS = 8  # episodes at a time: as many as the engine decodes side by side

Play = Callable[[Engine, str, int, int], Played]
"""(engine over the current weights, task id, step, number within the group) -> Played."""


@dataclass(frozen=True)
class Settings:
    """`generations` episodes a task are a group; `max_tokens` a turn, `window` an episode; `model` the folder to start from."""

    model: str
    steps: int
    generations: int
    tasks_per_step: int
    learning_rate: float
    temperature: float
    turns: int
    max_tokens: int
    seed: int
    device: str
    window: int = 4096


@dataclass(frozen=True)
class Group:
    """The episodes of one task in one step. `dropped`: one of them failed as machinery, so none is learned from."""

    step: int
    task: str
    played: tuple[Played, ...]

    @property
    def dropped(self) -> bool:
        return any(p.reward is None for p in self.played)

    @property
    def rewards(self) -> list[float | None]:
        """What the trainer gets: None (no advantage) for all of a dropped group, never 0."""
        return [None if self.dropped else p.reward for p in self.played]

    @property
    def unequal(self) -> bool:
        return not self.dropped and len({p.reward for p in self.played}) > 1


@dataclass
class Log:
    """What training came to: the groups in order, and the trainer's own entry a step."""

    groups: list[Group] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)


def train(model: Any, tokenizer: Any, tasks: Sequence[str], play_one: Play, settings: Settings) -> Log:
    """Train in place. `tasks`: `tasks_per_step` ids for each step, in order; each is played `generations` times.

    A group whose rewards are equal, or that is dropped, has no advantage and moves nothing.
    """
    log = Log()
    with Engine(model, tokenizer.eos_token_id, rows=WORKERS) as running, tempfile.TemporaryDirectory() as scraps:

        def roll_out(prompts: list[str], trainer: Any) -> dict[str, list[Any]]:
            groups = _groups(running, model, prompts, int(trainer.state.global_step), play_one, settings.generations)
            log.groups.extend(groups)
            played = [p for g in groups for p in g.played]
            return {
                "prompt_ids": [p.prompt_ids for p in played],
                "completion_ids": [p.completion_ids for p in played],
                "logprobs": [p.logprobs for p in played],
                "env_mask": [p.mask for p in played],
                "score": [r for g in groups for r in g.rewards],
            }

        trainer = GRPOTrainer(
            model=model,
            reward_funcs=_score,
            args=_arguments(settings, Path(scraps)),
            train_dataset=Dataset.from_list([{"prompt": identity} for identity in tasks]),
            processing_class=tokenizer,
            rollout_func=roll_out,
        )
        log.entries = training.run(trainer, STAGE, settings.steps)
    return log


def _arguments(settings: Settings, scraps: Path) -> Any:
    return GRPOConfig(
        **training.settings(scraps, settings.device, settings.seed, settings.steps, settings.learning_rate),
        per_device_train_batch_size=1,  # episodes are long; the group is accumulated
        gradient_accumulation_steps=settings.tasks_per_step * settings.generations,
        num_generations=settings.generations,
        temperature=settings.temperature,
        beta=0.0,
        epsilon=0.2,
        epsilon_high=0.28,
    )


def _score(prompts: list[str], completions: list[Any], score: list[float | None], **rest: Any) -> list[float | None]:
    return score


def _groups(running: Engine, model: Any, prompts: Sequence[str], step: int, play_one: Play, generations: int) -> list[Group]:
    """Play each prompt (a task id, repeated `generations` times in a row) with the weights of this moment."""
    running.forget()
    training_mode = model.training
    model.eval()
    try:
        with ThreadPoolExecutor(WORKERS) as pool:
            played = list(pool.map(lambda n: play_one(running, prompts[n], step, n % generations), range(len(prompts))))
    finally:
        model.train(training_mode)
    starts = range(0, len(prompts), generations)
    return [Group(step, prompts[n], tuple(played[n : n + generations])) for n in starts]


def numbers(log: Log) -> dict[str, Any]:
    """The numbers of metrics/rl.json. `errors`: episodes that failed as machinery after all tries; `dropped`: groups with one."""
    played = [p for g in log.groups for p in g.played]
    rewards = [p.reward for p in played if p.reward is not None]
    return {
        "steps": len(log.entries),
        "reward_mean": _mean(rewards),
        "groups": len(log.groups),
        "dropped": sum(g.dropped for g in log.groups),
        "unequal_groups_share": _mean([float(g.unequal) for g in log.groups]),
        "errors": sum(p.reward is None for p in played),
        "retried": sum(p.tries - 1 for p in played),
        "rollouts": len(played),
        "turns_mean": _mean([float(p.rollout.usage.turns) for p in played if p.rollout]),
        "policy_tokens": sum(sum(p.mask) for p in played),
    }


def curve(log: Log) -> list[dict[str, Any]]:
    """The rows of plots/rl.csv, one a step."""
    rows = []
    for step, entry in enumerate(log.entries):
        groups = [g for g in log.groups if g.step == step]
        rewards = [p.reward for g in groups for p in g.played if p.reward is not None]
        unequal = sum(g.unequal for g in groups)
        rows.append({"step": step + 1, "reward_mean": _mean(rewards), "unequal_groups": unequal, "loss": float(entry["loss"])})
    return rows


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def main(argv: Sequence[str]) -> int:
    """Write models/rl with the episodes that it learned from, metrics/rl.json and plots/rl.csv."""
    settings = Settings(**params.section(STAGE))
    parent = Path(settings.model)
    tasks = play.tasks_of("train")
    ids = training.drawn(tasks, settings.steps * settings.tasks_per_step, settings.seed, str)
    training.quiet()
    model, tokenizer = engine.load(parent, settings.device, torch.float32)
    sampling = {"temperature": settings.temperature, "max_tokens": settings.max_tokens, "seed": settings.seed}
    caps = Caps(**params.section("rollout")["caps"])  # the boxes of every other rollout
    player = play.Player(tokenizer, {i: tasks[i] for i in ids}, parent, sampling, settings.turns, settings.window, caps, configured())
    log = train(model, tokenizer, ids, player, settings)
    rollouts = [p.rollout for g in log.groups for p in g.played if p.rollout]
    out = training.write_checkpoint(STAGE, model, tokenizer, parent, (r.id for r in rollouts), ids)
    shards.write(out / "rollouts", Rollout, (("train", r) for r in rollouts))
    training.write_numbers(STAGE, numbers(log), curve(log))
    return 0


if __name__ == "__main__":
    errors.run(main)
