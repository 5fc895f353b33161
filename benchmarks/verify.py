"""Verdicts a second on one core: our graders over compiled tasks, beside a checker that starts a process for every verdict."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sandbox.box import open_box
from specs import rows
from specs.records import Change, Task, Verifier
from verifiers import mutants, playing, wire
from verifiers.apart import Graders
from verifiers.cases import Case, cases
from verifiers.grade import grade_apart

ROOT = Path(__file__).resolve().parent.parent
IN_BOXES = ("code", "tests")  # the kinds that run code
BARS = {"no code": 200.0, "times a process each": 10.0, "code in boxes": 10.0}
Outcome = tuple[Task, Verifier, tuple[Change, ...]]

# The reference: a checker as they are usually shipped, a script that is started for one task's outcome and prints its score.
SCRIPT = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from specs import rows
from specs.records import Change, Task, Verifier
from verifiers import wire
from verifiers.grade import grade
told = wire.receive(sys.stdin.buffer)
print(grade(rows.from_row(Task, told["task"]), rows.from_row(Verifier, told["verifier"]),
            [rows.from_row(Change, c) for c in told["changes"]]).score)
"""


def outcomes(case: Case) -> Iterator[Outcome]:
    """What the solution leaves behind, and everything that the audit holds against it. Its steps run in a box."""
    left = playing.left(case.task, case.solution.steps, open_box)
    wrong = mutants.generic(case.task, case.verifier, left)
    for changes in (left, *(c.changes for c in case.candidates), *(m.changes for m in wrong)):
        yield case.task, case.verifier, changes


def a_second(grade: Callable[[Outcome], object], found: Sequence[Outcome]) -> float:
    """Verdicts a second by the clock."""
    start = time.perf_counter()
    for outcome in found:
        grade(outcome)
    return len(found) / (time.perf_counter() - start)


def by_process(folder: Path) -> Callable[[Outcome], object]:
    """Grades in a process of its own, started anew."""
    script = folder / "check.py"
    script.write_text(SCRIPT, encoding="utf-8")

    def checked(outcome: Outcome) -> float:
        task, verifier, changes = outcome
        told = {"task": rows.to_row(task), "verifier": rows.to_row(verifier), "changes": [rows.to_row(c) for c in changes]}
        done = subprocess.run([sys.executable, "-I", "-B", str(script)], input=wire.packed(told), capture_output=True, check=True)
        return float(json.loads(done.stdout))

    return checked


def _one_core() -> None:
    """Bind this process, and so all it starts, to one of its cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def runs_code(case: Case) -> bool:
    """Whether one of its checks needs a box."""
    return any(check.kind in IN_BOXES for check in case.verifier.checks)


def _outcomes(found: Sequence[Case], count: int) -> list[Outcome]:
    """All outcomes of so many tasks, spread over those found."""
    return [outcome for case in found[:: max(1, len(found) // count)][:count] for outcome in outcomes(case)]


def main(argv: Sequence[str]) -> int:
    """`python -m benchmarks.verify`: prints the figures; 1 where one is below its bar."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verify", description=__doc__)
    parser.add_argument("--tasks", type=int, default=200, help="tasks whose outcomes are graded, spread over the dataset")
    parser.add_argument("--rounds", type=int, default=5, help="turns of ours and the reference")
    args = parser.parse_args(argv)
    _one_core()
    everything = cases()
    plain = _outcomes([c for c in everything if not runs_code(c)], args.tasks)
    code = _outcomes([c for c in everything if runs_code(c)], max(1, args.tasks // 20))
    mixed = _outcomes(everything, args.tasks // 2)
    with tempfile.TemporaryDirectory() as name, Graders(1) as graders:
        alone = by_process(Path(name))

        def ours(outcome: Outcome) -> object:
            return grade_apart(graders, *outcome)

        ours(plain[0])  # which starts the process
        turns = [plain[n :: args.rounds] for n in range(args.rounds)]
        pairs = [(a_second(ours, turn), a_second(alone, turn[:: max(1, len(turn) // 20)])) for turn in turns]
        as_they_come, in_boxes = a_second(ours, mixed), a_second(ours, code)
    mine, other = (sorted(column)[len(pairs) // 2] for column in zip(*pairs, strict=True))
    got = {"no code": mine, "times a process each": mine / other, "code in boxes": in_boxes}
    print(f"one core; {len(plain):,} outcomes without code, {len(mixed):,} as they come, {len(code):,} with code in boxes")
    print(f"verdicts a second, no code: {mine:.0f}; a process each: {other:.1f}; {mine / other:.1f} times as many")
    print(f"verdicts a second, as they come: {as_they_come:.0f}; those with code alone: {in_boxes:.1f}")
    for what in (missed := [what for what, bar in BARS.items() if got[what] < bar]):
        print(f"below its bar of {BARS[what]:g}: {what}", file=sys.stderr)
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
