"""The rollout stage's users and their mistakes: each is said in a line, without a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from projects import TASKS, Project


def test_a_missing_selection_is_the_users_mistake(tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS)
    (tmp_path / "data/selection.json").unlink()
    said = project.stage("--agent", "echo", status=1)
    assert said.startswith("data/selection.json:1:1: is not there; run the stage that writes it (make repro)")


def test_a_selected_task_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS[:1])
    project.select(train=["ffff"], bench=[], models=[])
    said = project.stage("--agent", "echo", status=1)
    assert "ffff" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"caps": {"memory": 3}}, "rollout.caps.memory is not one of"),
        ({"agents": {"echo": {"policy": "magic"}}}, "rollout.agents.echo.policy is not one of scripted, served"),
        ({"agents": {"poet": {"policy": "scripted"}}}, "rollout.agents.poet is not one of the scripted policies"),
        ({"agents": {"base": {"policy": "served"}}}, "rollout.agents.base.model is missing"),
        ({"executor": "slurm"}, "rollout.executor is not one of local, ray"),
        ({"retries": -1}, "rollout.retries is -1, no number from 0 on"),
        ({"workers": 0}, "rollout.workers is 0, no number from 1 on"),
        ({"workers": "many"}, "rollout.workers is 'many', no number from 1 on"),
        ({"budget": {"tokens": "a lot"}}, "rollout.budget.tokens is 'a lot', no number from 0 on"),
        ({"budget": {"token": 3}}, "rollout.budget.token is not one of tokens, money"),
        ({"budget": {"money": 3}}, "rollout.budget.money needs rollout.prices"),
        ({"timeout_s": 300, "grace_s": 300}, "rollout.grace_s is to be more than rollout.timeout_s"),
    ],
)
def test_params_that_make_no_sense_are_the_users_mistake(tmp_path: Path, section: dict[str, Any], words: str) -> None:
    said = Project(tmp_path, TASKS[:1], **section).stage("--agent", "echo", status=1)
    assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize("argv", [["--agent", "nobody"], [], ["--endpoint", "http://x/v1"], ["--agent", "echo", "--model", "m"]])
def test_a_command_line_that_makes_no_sense_is_refused(tmp_path: Path, argv: list[str]) -> None:
    assert "usage:" in Project(tmp_path, TASKS[:1]).stage(*argv, status=2)
