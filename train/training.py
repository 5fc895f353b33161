"""What supervised and reinforced training share: the trainer's settings, its progress, and the files that say what was done."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any, TypeVar

import datasets
import torch
import transformers
from transformers import TrainerCallback
from transformers.trainer_callback import PrinterCallback

from sandbox.served import digest_of_model
from specs import digests, layout, progress
from train import model as models
from train.engine import quick_dtype

T = TypeVar("T")


def settings(out: Path, device: str, seed: int, steps: int, learning_rate: float) -> dict[str, Any]:
    """Arguments that any trainer of transformers takes: full fine-tuning at a constant rate, nothing reported abroad.

    `out` is a folder for the trainer's own use; nothing is saved into it.
    """
    return {
        "output_dir": str(out),
        "use_cpu": device == "cpu",
        "bf16": quick_dtype(device) is torch.bfloat16,  # for the arithmetic; the weights stay fp32
        "seed": seed,
        "data_seed": seed,
        "max_steps": steps,
        "learning_rate": learning_rate,
        "lr_scheduler_type": "constant",
        "weight_decay": 0.0,
        "save_strategy": "no",
        "report_to": [],
        "logging_steps": 1,
        "disable_tqdm": True,
        "shuffle_dataset": False,
        "dataloader_pin_memory": device != "cpu",
        "activation_checkpointing": True,  # a sequence of 2,000 tokens would not fit beside the optimizer on a small machine
    }


def drawn(items: Iterable[T], count: int, seed: int, key: Any) -> list[T]:
    """`count` items in an order given by their keys and the seed, from the start again where there are too few.

    By the keys' hashes, so that one more item does not change which of the others are used.
    """
    ordered = sorted(items, key=lambda item: digests.digest([seed, key(item)]))
    return list(islice(cycle(ordered), count))


def run(trainer: Any, label: str, steps: int) -> list[dict[str, Any]]:
    """Let a trainer train, showing its steps; returns what it logged, an entry a step."""
    with progress.track(label, steps) as advance:

        class Tracker(TrainerCallback):  # type: ignore[misc]
            def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                advance()

        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(Tracker())
        trainer.train()
    return [entry for entry in trainer.state.log_history if "loss" in entry]


def write_checkpoint(name: str, model: Any, tokenizer: Any, parent: Path, rollouts: Iterable[str], tasks: Iterable[str]) -> Path:
    """Write models/<name> with its trained_on.json; returns the folder. Weights stay fp32: a small step would be lost in bf16."""
    out = layout.model(name)
    parent_digest = digest_of_model(parent)
    models.save(model, tokenizer, out)
    lineage = {"rollouts": sorted(set(rollouts)), "tasks": sorted(set(tasks)), "parent": parent.name, "parent_digest": parent_digest}
    (out / "trained_on.json").write_text(json.dumps(lineage, indent=2) + "\n", encoding="utf-8")
    return out


def write_numbers(name: str, numbers: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write metrics/<name>.json and plots/<name>.csv."""
    layout.METRICS.mkdir(exist_ok=True)
    (layout.METRICS / f"{name}.json").write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    layout.PLOTS.mkdir(exist_ok=True)
    with (layout.PLOTS / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def quiet() -> None:
    """Keep the libraries' bars and advice off the terminal; warnings stay."""
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    if not sys.stderr.isatty():
        transformers.utils.logging.set_verbosity_warning()
