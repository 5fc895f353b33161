"""The stage of supervised fine-tuning: TRL's SFTTrainer over ready-made token sequences, loss on the assistant's tokens only."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from specs import errors, layout, located, params, shards, tokens
from specs.errors import Problem, UserError
from train import engine, training

STAGE = "sft"
NO_LOSS = -100


@dataclass(frozen=True)
class Settings:
    """`batch` sequences a step, none longer than `max_tokens`; `device` cpu or cuda."""

    steps: int
    batch: int
    max_tokens: int
    learning_rate: float
    seed: int
    device: str


def dataset(sequences: Sequence[tokens.Sequence]) -> Any:
    """The sequences as TRL takes them when they are tokenised already: `input_ids`, and `labels` with -100 where no loss is taken."""
    rows = [
        {
            "input_ids": list(s.input_ids),
            "labels": [i if own else NO_LOSS for i, own in zip(s.input_ids, s.mask, strict=True)],
        }
        for s in sequences
    ]
    return Dataset.from_list(rows)


def trainer_of(model: Any, tokenizer: Any, sequences: Sequence[tokens.Sequence], settings: Settings, out: Path) -> Any:
    """An SFTTrainer that takes the sequences in the order given. `out` is its folder for scraps."""
    args = SFTConfig(
        **training.settings(out, settings.device, settings.seed, settings.steps, settings.learning_rate),
        per_device_train_batch_size=settings.batch,
        train_sampling_strategy="sequential",
        max_length=None,
        packing=False,
    )
    return SFTTrainer(model=model, args=args, train_dataset=dataset(sequences), processing_class=tokenizer)


def train(model: Any, tokenizer: Any, sequences: Sequence[tokens.Sequence], settings: Settings) -> list[float]:
    """Train in place on the sequences, `batch` of them a step in the order given; returns the loss of each step."""
    with tempfile.TemporaryDirectory() as scraps:
        trainer = trainer_of(model, tokenizer, sequences, settings, Path(scraps))
        return [float(entry["loss"]) for entry in training.run(trainer, STAGE, settings.steps)]


@dataclass(frozen=True)
class Listed:
    """A sequence without its tokens: how many it has, and the first `call` of its rollout that is in it."""

    id: str
    rollout: str
    call: int
    length: int


def listed(sequences: Iterable[tokens.Sequence]) -> list[Listed]:
    """The sequences without their tokens."""
    return [Listed(s.id, s.rollout, s.spans[0].call, len(s.input_ids)) for s in sequences]


def chosen(sequences: Sequence[Listed], settings: Settings) -> list[Listed]:
    """Those to train on, in order. By their rollouts, which are the same in every run, where a text may hold how long something took."""
    ordered = sorted(sequences, key=lambda s: (s.rollout, s.call))  # a rollout's sequences stay together, in order of its calls
    return training.drawn(ordered, settings.steps * settings.batch, settings.seed, lambda s: s.rollout)


def main(argv: Sequence[str]) -> int:
    """Write models/sft, metrics/sft.json and plots/sft.csv."""
    settings = Settings(**params.section(STAGE))
    everything = listed(shards.read(layout.SEQUENCES, tokens.Sequence))
    if not everything:
        raise UserError(
            [Problem(str(layout.SEQUENCES), 1, 1, "", "no sequences to train on", "no teacher rollout was solved, or all are too long")]
        )
    short = [s for s in everything if s.length <= settings.max_tokens]
    if not short:
        shortest = min(s.length for s in everything)
        params_file = located.load(Path("params.yaml"))
        raise UserError([params_file.problem((STAGE, "max_tokens"), "every sequence is longer", f"the shortest has {shortest} tokens")])
    ordered = chosen(short, settings)
    known = {s.id: s for s in shards.read(layout.SEQUENCES, tokens.Sequence, ids=[s.id for s in ordered])}
    used = [known[s.id] for s in ordered]
    training.quiet()
    model, tokenizer = engine.load(layout.model("base"), settings.device, torch.float32)
    losses = train(model, tokenizer, used, settings)
    sizes = {"tokens": sum(len(s.input_ids) for s in used), "loss_tokens": sum(sum(s.mask) for s in used)}
    training.write_checkpoint(STAGE, model, tokenizer, layout.model("base"), (s.rollout for s in used), (s.task for s in used))
    numbers = {"loss_first": losses[0], "loss_last": losses[-1], "steps": len(losses), "too_long": len(everything) - len(short), **sizes}
    training.write_numbers(STAGE, numbers, [{"step": n, "loss": loss} for n, loss in enumerate(losses, 1)])
    return 0


if __name__ == "__main__":
    errors.run(main)
