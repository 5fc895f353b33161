"""`make export AGENT=... SPLIT=... TO=<dir> FORMAT=inspect|datasets`: an agent's rollouts and verdicts for the tools of others.

`inspect` writes a log that `inspect view` opens, `datasets` a folder that `datasets.load_dataset` reads, with a card.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench import card, exported, inspecting, played
from bench.played import Source
from specs import errors
from specs.errors import Problem, UserError

FORMATS = ("inspect", "datasets")


def to_inspect(of: Source, to: Path, python: Path) -> str:
    """Write `to`/<agent>-<split>.eval; returns what was written, in words."""
    log = to / f"{of.agent}-{of.split}.eval"
    count = inspecting.write(of, played.played(of, _ids(of)), log, python)
    return f"{log}: {count:,} rollouts"


def to_datasets(of: Source, to: Path) -> str:
    """Write `to`/data and `to`/README.md; returns what was written, in words. Raises UserError where no rollout is graded."""
    counts = exported.write(played.played(of, _ids(of)), to, of.split)
    left_out = ", ".join(f"{n:,} {why}" for why, n in sorted(counts.left_out.items()))
    if not counts.rows:
        raise UserError([Problem(of.rollouts.as_posix(), 1, 1, "", "no rollout is graded", f"there are {left_out or 'none'}")])
    (to / "README.md").write_text(card.card(of.agent, of.split, counts), encoding="utf-8")
    return f"{to}: {counts.rows:,} rollouts, {counts.solved:,} solved; left out: {left_out or 'none'}"


def _ids(of: Source) -> list[str]:
    return [row["id"] for row in played.rows(of, ())]


def main(argv: Sequence[str]) -> int:
    """Export, and say what was written."""
    parser = argparse.ArgumentParser(prog="python -m bench.export", description="Rollouts and verdicts for the tools of others.")
    parser.add_argument("--agent", required=True, help="an agent of params.yaml, or a run of make bench")
    parser.add_argument("--split", default="bench", help="train or bench")
    parser.add_argument("--to", required=True, type=Path, help="a new folder")
    parser.add_argument("--format", required=True, choices=FORMATS)
    parser.add_argument("--inspect", type=Path, metavar="PYTHON", default=inspecting.PYTHON, help="an interpreter that has inspect_ai")
    args = parser.parse_args(argv)
    of = played.source(args.agent, args.split)
    if args.to.exists() and (not args.to.is_dir() or any(args.to.iterdir())):
        raise UserError([Problem(str(args.to), 1, 1, "TO", "this is there already", "name a new folder")])
    args.to.mkdir(parents=True, exist_ok=True)
    print(to_inspect(of, args.to, args.inspect) if args.format == "inspect" else to_datasets(of, args.to))
    return 0


if __name__ == "__main__":
    errors.run(main)
