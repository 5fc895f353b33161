"""One task's scorecard as text: what was tried and scored, the worst first, and whether it is of this very task."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import making
import pytest
from rich.console import Console

from specs import layout, shards
from specs.records import EquivalentScore, MutantScore, Scorecard, Task, Verifier
from verifiers import evidence

ROOT = Path(__file__).parent.parent
TASK = making.task({"in.csv": "x\n"}, identity="0a")
VERIFIER = making.verifier(
    [{"kind": "table", "params": {"path": "out.csv"}, "id": "1-sum-rows", "demand": "ledger.[total]"}], identity="0a"
)
CARD = Scorecard(
    "0a",
    1.0,
    0.0,
    (MutantScore("empty", "", 0.0, 0.0, ("table",)), *[MutantScore("demand", "ledger.total/tie", 0.8, 0.45, ("table",))] * 2),
    (EquivalentScore("crlf", 1.0), EquivalentScore("bom", 0.5)),
    "",
    ("ledger.[total]",),
    TASK.digest,
    VERIFIER.digest,
)


def shown(card: Scorecard, task: Task | None = TASK) -> str:
    console = Console(width=160)
    with console.capture() as capture:
        console.print(evidence.page(card, task, VERIFIER))
    return capture.get()


def test_the_text_names_all_that_was_tried_the_worst_first() -> None:
    text = shown(CARD)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "3 mutants, 0 of them counted as solved; 2 equivalents, 1 of them refused" in lines
    assert lines.index("demand ledger.total/tie 2 0.800 0.450 table") < lines.index("empty 1 0.000 0.000 table")
    assert lines.index("bom 1 0.500") < lines.index("crlf 1 1.000")
    assert "task 0a: ledger.[total]" in lines and "shipped" in lines  # brackets are no markup
    assert "1-sum-rows table 1 out.csv ledger.[total]" in lines


def test_a_rejection_and_a_card_of_another_task_are_told() -> None:
    text = shown(dataclasses.replace(CARD, rejected="the mutant 'empty' passes"))
    assert "rejected: the mutant 'empty' passes" in text and "shipped" not in text
    assert "of an earlier task" not in text
    assert "of an earlier task" in shown(dataclasses.replace(CARD, task_digest="other"))
    assert "of an earlier task" in shown(CARD, None)


def run(folder: Path, identity: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "verifiers.evidence", "--id", identity]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=env, cwd=folder)


def test_the_command_reads_the_shards_and_mistakes_are_the_users_to_mend(tmp_path: Path) -> None:
    assert "data/scorecards:1:1: no such folder" in run(tmp_path, "0a").stderr
    shards.write(tmp_path / layout.SCORECARDS, Scorecard, [("train", CARD)])
    shards.write(tmp_path / layout.TASKS, Task, [("train", TASK)])
    shards.write(tmp_path / layout.VERIFIERS, Verifier, [("train", VERIFIER)])
    done = run(tmp_path, "0a")
    assert done.returncode == 0 and "ledger.total/tie" in done.stdout
    missing = run(tmp_path, "1b")
    assert missing.returncode == 1 and "no scorecard with the id '1b'" in missing.stderr and "Traceback" not in missing.stderr


@pytest.mark.parametrize("full", [False, True])
def test_the_full_build_has_its_own(full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    card = dataclasses.replace(CARD, rejected=str(full))
    shards.write(layout.build(layout.SCORECARDS, full), Scorecard, [("train", card)])
    assert evidence.found("0a", full) == (card, None, None)
