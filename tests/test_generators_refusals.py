"""Rejected plans are told at the scenario's line, by what cannot be and not by one bad draw; the stage then fails."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tinyspecs

from generators import refusals, task
from generators.plan import Plan, plans
from specs import catalogue
from specs.catalogue import Catalogue

SCENARIO = "specs/scenarios/market-day.yaml"
OPERATIONS = "skills/counting/operations.yaml"
SHARE = 0.02


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tinyspecs.tree(tmp_path))
    return tmp_path


def told(specs: Catalogue, found: list[Plan], lost: int = 0) -> list[str]:
    """What is told where so many of the plans of the persona route are rejected."""
    own = [p for p in found if p.route == "persona"]
    gone = {p.id for p in own[:lost]}
    return [str(p) for p in refusals.rejected(specs, [(p, "no luck" if p.id in gone else "") for p in found], 7, SHARE)]


def test_one_rejection_is_bad_luck_and_two_of_few_are_not(root: Path) -> None:
    specs = catalogue.load()
    found = plans(specs, 5, 0.3)
    example = min((p for p in found if p.route == "persona"), key=lambda p: p.id)
    assert told(specs, found, 0) == told(specs, found, 1) == []
    assert told(specs, found, 2) == [
        f"{SCENARIO}:10:3: workflows.clean: 2 of 15 tasks come to nothing; 2 of 10 tasks of market-day are rejected; "
        f"for example task {example.id} (seed 7, asked by grocer): no luck"
    ]


def test_a_small_share_of_many_is_bad_luck(root: Path) -> None:
    specs = catalogue.load()
    found = plans(specs, 60, 0.3)
    assert told(specs, found, 2) == []
    assert len(told(specs, found, 3)) == 1


def test_a_single_task_is_told_only_where_further_draws_come_to_nothing_too(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specs = catalogue.load()
    (plan,) = [p for p in plans(specs, 0.5, 0.3) if p.route == "persona"]
    assert told(specs, [plan], 1) == []
    monkeypatch.setattr(refusals, "build", lambda _, p, *__: task.Rejected(p.id, p.operations, "never"))
    (line,) = told(specs, [plan], 1)
    assert line.startswith(f"{SCENARIO}:10:3: workflows.clean: 1 of 1 tasks come to nothing; for example task {plan.id}")


def test_a_quota_that_cannot_be_planned_is_told(root: Path) -> None:
    specs = catalogue.load()
    alone = dataclasses.replace(specs, personas={})
    assert [str(p) for p in refusals.short(alone, plans(alone, 1, 0.3), 1)] == [
        f"{SCENARIO}:14:8: tasks: asks for 2 tasks, and 0 can be planned; nobody of its circles and split may ask for the rest",
        f"{OPERATIONS}:2:8: tasks: asks for 1 tasks, and 0 can be planned; no workflow that somebody may ask for",
    ]
    assert list(refusals.short(specs, plans(specs, 1, 0.3), 1)) == []


def test_the_stage_fails_where_a_demand_can_make_no_difference(root: Path) -> None:
    """The count's neighbour takes one more than there are groups, so nobody can tell whether it was obeyed."""
    tinyspecs.replace(root, OPERATIONS, "n: {integer: [2, 3]}", "n: {integer: [40, 50]}")
    env = {**os.environ, "PYTHONPATH": str(tinyspecs.REPOSITORY), "CLAWGYM_STORE": str(root / "store.sqlite")}
    command = [sys.executable, "-m", "generators.compile", "--workers", "1", "--scale", "0.5"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{SCENARIO}:10:3: workflows.clean: 1 of 1 tasks come to nothing; for example task " in done.stderr
    assert "the demand 'count' makes no difference" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert (root / "metrics/compile.json").is_file()
