"""A rebuild after one saying of an operation was edited, against a full compile of the same specs: what it costs and changes."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from benchmarks.compile import ROOT, compiled, copied
from generators.plan import Plan, plans
from specs import catalogue, digests, params

TELLING = 8  # characters by which a saying is told in an instruction; "in" stands in any
MOST = 0.10  # of the time of a full compile


def written(folder: Path) -> dict[str, str]:
    """Digest of all of a task's records but its provenance, by id."""
    found: dict[str, list[str]] = {}
    for path in sorted((folder / "data").rglob("*.parquet")):
        if "provenance" not in path.parts:
            for batch in pq.ParquetFile(path).iter_batches(batch_size=64):
                for row in batch.to_pylist():
                    found.setdefault(row["id"], []).append(digests.digest(row))
    return {identity: digests.digest(parts) for identity, parts in found.items()}


def rare(planned: Sequence[Plan], share: float) -> str:
    """The operation that nearest to that share of the tasks use."""
    uses = Counter(o for plan in planned for o in set(plan.operations))
    return min(sorted(uses), key=lambda o: abs(uses[o] / len(planned) - share))


def edit(folder: Path, operation: str, users: set[str]) -> None:
    """Add a word to that saying of the operation which most of its tasks say."""
    skill, _, name = operation.partition(".")
    path = folder / "skills" / skill / "operations.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    entry = next(o for o in document["operations"] if o["name"] == name)
    texts = [t for p in sorted((folder / "data/tasks").rglob("*.parquet")) for t in _instructions(p, users)]
    lists = [entry["say"], *(d["say"] for d in entry["demands"].values())]
    places = [(sayings, i) for sayings in lists for i, saying in enumerate(sayings) if len(_plain(saying)) >= TELLING]
    sayings, i = max(places, key=lambda place: sum(_plain(place[0][place[1]]) in text for text in texts))
    sayings[i] = sayings[i].replace(_plain(sayings[i]), _plain(sayings[i]) + " indeed", 1)
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _instructions(path: Path, users: set[str]) -> list[str]:
    rows: list[dict[str, Any]] = pq.read_table(path, columns=["id", "instruction"]).to_pylist()
    return [row["instruction"] for row in rows if row["id"] in users]


def _plain(saying: str) -> str:
    """The longest run of a saying that stands in the instruction as it is."""
    return max(re.split(r"\{\{.*?\}\}", saying), key=len).strip()


def main(argv: Sequence[str]) -> int:
    """`python -m benchmarks.rebuild`: prints both times and their ratio; 1 where it is over the bar or another task changed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rebuild", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="times the quotas of tasks")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--share", type=float, default=0.01, help="of the tasks, that use the edited operation")
    args = parser.parse_args(argv)
    planned = plans(catalogue.load(ROOT), args.scale, params.section("compile", ROOT / "params.yaml")["bench_share"])
    operation = rare(planned, args.share)
    users = {p.id for p in planned if operation in p.operations}
    with tempfile.TemporaryDirectory() as name:
        folder = copied(Path(name) / "tree")
        full = compiled(folder, args.scale, args.workers)
        before = written(folder)
        edit(folder, operation, users)
        again = compiled(folder, args.scale, args.workers)
        after = written(folder)
        same = compiled(folder, args.scale, args.workers)
    changed = {i for i in {*before, *after} if before.get(i) != after.get(i)}
    print(f"full compile: {full.wall:.1f} s for {len(planned):,} tasks, {args.workers} workers; {full.memory / 1e6:.0f} MB at most")
    print("".join(f"  refused: {line}\n" for line in full.refused), end="")
    print(f"edited: a saying of {operation}, which {len(users):,} tasks use ({len(users) / len(planned):.1%})")
    print(f"rebuild: {again.of(full)}")
    print(f"with nothing edited: {same.of(full)}")
    print(f"changed: {len(changed):,} tasks, {len(changed - users):,} of them without using it")
    return int(again.wall > MOST * full.wall or bool(changed - users) or not changed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
