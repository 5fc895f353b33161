"""What compiling costs: one task against a query in the same database, and whole datasets of growing size against each other."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks import memory
from benchmarks.timing import compare, show
from generators.plan import plans
from generators.task import build
from specs import catalogue, params

ROOT = Path(__file__).resolve().parent.parent
QUERY = "SELECT g, count(*), sum(x) FROM (SELECT range % 7 AS g, range AS x FROM range(50)) GROUP BY g ORDER BY g"
PLACED = re.compile(r"[\w./-]+:\d+:\d+: ")  # how a line begins that tells of a mistake in the specs


@dataclass(frozen=True)
class Cost:
    """One run of the stage: seconds by the clock and of processors (the start of Python among them), the most bytes that all its
    processes held at once, and the last lines that it wrote of why it refuses what it made (none where it does not)."""

    wall: float
    cpu: float
    memory: int
    refused: tuple[str, ...] = ()

    def of(self, other: Cost) -> str:
        """Its share of another."""
        return f"{self.wall:.1f} s, {self.wall / other.wall:.1%} of the full time ({self.cpu / other.cpu:.1%} of its CPU time)"


def copied(folder: Path) -> Path:
    """The spec tree in a folder of its own, without code."""
    for name in ("personas", "skills", "specs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "params.yaml", folder)
    for path in (folder / "specs").rglob("*.py"):
        path.unlink()
    return folder


def compiled(folder: Path, scale: float, workers: int) -> Cost:
    """Run the stage in the folder, with a store of its own. Raises CalledProcessError where it broke.

    A stage that refuses a dataset has made it all the same: what it costs is known, and the refusal is for whoever reads the figures.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CLAWGYM_STORE": str(folder / "store.sqlite")}
    command = [sys.executable, "-m", "generators.compile", "--scale", str(scale), "--workers", str(workers)]
    start, used = time.perf_counter(), _cpu()
    told = folder / "told.txt"
    with (
        told.open("w") as file,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=file) as process,
    ):
        most = memory.most_held(process)
    refused = tuple(line for line in told.read_text().splitlines() if PLACED.match(line)) if process.returncode == 1 else ()
    if process.returncode != 0 and not refused:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=told.read_text()[-2000:])
    return Cost(time.perf_counter() - start, _cpu() - used, most, refused)


def _cpu() -> float:
    """Processor seconds of the processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _sizes(wanted: Sequence[int], workers: int) -> None:
    """A table of whole datasets: tasks, time, time a task against the smallest, memory."""
    specs = catalogue.load(ROOT)
    share = params.section("compile", ROOT / "params.yaml")["bench_share"]
    default = len(plans(specs, 1.0, share))
    print(f"{'tasks':>8}{'wall s':>10}{'CPU s':>10}{'ms CPU a task':>15}{'to the first':>14}{'memory MB':>11}")
    first = 0.0
    for tasks in wanted:
        scale = tasks / default
        count = len(plans(specs, scale, share))
        with tempfile.TemporaryDirectory() as name:
            cost = compiled(copied(Path(name)), scale, workers)
        each = cost.cpu / count
        first = first or each
        print(
            f"{count:>8,}{cost.wall:>10.1f}{cost.cpu:>10.1f}{each * 1000:>15.1f}{each / first:>13.2f}x{cost.memory / 1e6:>11.0f}",
            flush=True,
        )
        print("".join(f"  refused: {line}\n" for line in cost.refused), end="", flush=True)


def main(argv: Sequence[str]) -> None:
    """`python -m benchmarks.compile [--tasks 1500 4500 13500]`: a single task, then datasets of these sizes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compile", description=__doc__)
    parser.add_argument("--tasks", type=int, nargs="*", default=[], help="sizes of datasets to compile as well")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args(argv)
    specs = catalogue.load(ROOT)
    wanted = itertools.cycle(plans(specs, 1.0, 0.3)[::7])
    with contextlib.closing(duckdb.connect(":memory:", config={"threads": 1})) as db:
        figures = compare(lambda: build(specs, next(wanted), 7, {}), lambda: db.execute(QUERY).fetchall(), 40)
    show("compile a task", figures, "a grouped query over 50 rows")
    if args.tasks:
        _sizes(args.tasks, args.workers)


if __name__ == "__main__":
    main(sys.argv[1:])
