"""The card of an exported set of rollouts: Hugging Face's front matter, then what is in it, how it was made, and what was left out."""

from __future__ import annotations

import json
from collections.abc import Iterable

import yaml

from bench import markdown
from bench.exported import COLUMNS, Counts

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))
METHOD = "https://arxiv.org/abs/2604.26904"


def front_matter(agent: str, split: str, counts: Counts) -> str:
    """What the Hub and `datasets` read: which files make which split, the licence, the size."""
    size = next((name for most, name in SIZES if counts.rows < most), "n>10M")
    value = {
        "pretty_name": f"ClawGym rollouts of {agent} on {split}",
        "license": "apache-2.0",
        "language": ["en"],
        "task_categories": ["text-generation"],
        "tags": ["agent", "tool-use", "trajectories", "clawgym"],
        "size_categories": [size],
        "configs": [{"config_name": "default", "data_files": [{"split": split, "path": f"data/{split}-*.parquet"}]}],
    }
    return f"---\n{yaml.safe_dump(value, sort_keys=False)}---"


def card(agent: str, split: str, counts: Counts) -> str:
    """README.md. Names and endings come from records, so they stand in code."""
    return (
        "\n\n".join(
            [
                front_matter(agent, split, counts),
                f"# ClawGym rollouts of {agent} on {split}",
                _about(counts),
                *([_held_out()] if split == "bench" else []),
                _use(split),
                "## How they ended",
                markdown.table(["ended", "rollouts"], _counted(counts.ended.items())),
                "## What is left out",
                _left_out(counts),
                "## How it was made",
                _made_by(counts),
                "## Columns",
                "\n".join(f"- `{name}` ({_type(kind)}): {about}" for name, (kind, about) in COLUMNS.items()),
                "## Licence",
                f"Apache-2.0, as are the tasks. A model's words may be bound by its own terms. The method follows ClawGym ({METHOD}).",
            ]
        )
        + "\n"
    )


def _about(counts: Counts) -> str:
    return (
        f"{counts.rows:,} rollouts of an agent that works on a person's files with the tools it was offered, {counts.solved:,} of them "
        "solved. Each is graded by code (and a judge, where one was asked) after its box was dead: `score` is the reward, `solved` "
        "means that every check passed."
    )


def _held_out() -> str:
    return "**These are rollouts on the bench.** Whoever trains on them can't be measured by it any more."


def _use(split: str) -> str:
    return f"""```python
from datasets import load_dataset

rollouts = load_dataset("path/of/this/folder", split="{split}")  # datasets 4.7 or later, which knows the type Json
solved = rollouts.filter(lambda r: r["solved"])
```

TRL's `SFTTrainer` takes it as it is: `messages` is a conversation, `tools` the JSON of what was offered."""


def _left_out(counts: Counts) -> str:
    note = "The contents of the files that an agent left behind, and the endpoint's raw calls, are in the rollout shards only."
    if not counts.left_out:
        return f"No rollout. {note}"
    table = markdown.table(["why", "rollouts"], _counted(counts.left_out.items()))
    return f"A failure of the machinery is nobody's score, so these are not in it:\n\n{table}\n\n{note}"


def _made_by(counts: Counts) -> str:
    makers = [json.loads(m) for m in sorted(counts.made_by)]
    rows = [
        [
            markdown.code(f"{m['harness']} {m['harness_version']}"),
            markdown.code(m["policy"]),
            markdown.code(m["policy_digest"][:12]),
            markdown.code(m["sampling"]),
        ]
        for m in makers
    ]
    told = "Tasks are compiled from YAML, so that their answers are known. Each verifier was measured on right and on wrong answers first."
    return f"{told}\n\n" + markdown.table(["harness", "policy", "its digest", "sampling"], rows)


def _counted(items: Iterable[tuple[str, int]]) -> list[list[str]]:
    return [[markdown.code(name), f"{n:,}"] for name, n in sorted(items)]


def _type(kind: object) -> str:
    """A feature's type in a word."""
    name = getattr(kind, "dtype", "")
    return str(name) if name and name != "list" else type(kind).__name__.lower()
