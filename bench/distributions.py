"""Distributions as small CSV files for `dvc plots`: bins that never change, so that two revisions can be laid over each other."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

BINS = {  # name: (width of a bin, where the last and open one begins)
    "words": (25, 600),
    "operations": (1, 8),
    "difficulty": (1, 5),
    "inputs": (1, 30),
    "outputs": (1, 12),
    "checks": (1, 30),
}
HUNDREDTHS = 5  # the width of a bin of similarities


def binned(values: Iterable[int], width: int, last: int) -> list[tuple[str, int]]:
    """How many values lie in each bin from 0 on, named `000-024` and so on; the one at `last` holds all that is above."""
    counts = Counter(min(max(v, 0), last) // width for v in values)
    digits = len(str(last))
    return [(_label(n * width, width, last, digits), counts[n]) for n in range(last // width + 1)]


def _label(low: int, width: int, last: int, digits: int) -> str:
    if low + width > last:
        return f"{low:0{digits}d} or more"
    return f"{low:0{digits}d}" if width == 1 else f"{low:0{digits}d}-{low + width - 1:0{digits}d}"


def similar(values: Iterable[float]) -> list[tuple[str, int]]:
    """How many similarities lie in each twentieth of 0 to 1."""
    counts = Counter(min(int(v * 100), 99) // HUNDREDTHS for v in values)
    return [(f"{n * HUNDREDTHS / 100:.2f}-{(n + 1) * HUNDREDTHS / 100:.2f}", counts[n]) for n in range(100 // HUNDREDTHS)]


def named(values: Iterable[str]) -> list[tuple[str, int]]:
    """How many there are of each name, by name."""
    return sorted(Counter(values).items())


def write(folder: Path, tables: Mapping[str, Sequence[tuple[str, int]]]) -> None:
    """One CSV a table, `<name>.csv`: the bin under the table's name, the count under `count`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow((name, "count"))
            writer.writerows(rows)
