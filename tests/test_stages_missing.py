"""Stages that are run before those whose artifacts they read."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

REPO = Path(__file__).resolve().parent.parent
ARTIFACTS = ("data/", "models/")


def commands() -> list[str]:
    """Of the stages of the pipeline that read artifacts; of those with a list of items, for one item."""
    stages: dict[str, Any] = yaml.safe_load((REPO / "dvc.yaml").read_text())["stages"]
    found = []
    for stage in stages.values():
        of = stage.get("do", stage)
        lines = [of["cmd"]] if isinstance(of["cmd"], str) else of["cmd"]
        if any(str(dep).startswith(ARTIFACTS) for dep in of["deps"]):
            found += [line.replace("${item.agent}", "echo").replace("${item.split}", "bench").replace("${item}", "base") for line in lines]
    return found


def said(*line: str, at: Path = REPO) -> subprocess.CompletedProcess[str]:
    return subprocess.run(line, cwd=at, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", commands())
def test_a_stage_before_its_time_says_what_is_not_there(command: str, tmp_path: Path) -> None:
    for tracked in said("git", "ls-tree", "--name-only", "HEAD").stdout.split():
        (tmp_path / tracked).symlink_to(REPO / tracked)
    program, *rest = shlex.split(command)
    assert program == "python"
    done = said(sys.executable, *rest, at=tmp_path)
    assert done.returncode == 1, done.stderr
    assert re.fullmatch(r"((data|models)/\S+:1:1: is not there; run .*\n)+", done.stderr)


@pytest.mark.parametrize("module", sorted(p.stem for p in (REPO / "benchmarks").glob("*.py") if "ArgumentParser(" in p.read_text()))
def test_a_benchmark_says_how_it_is_run(module: str) -> None:
    done = said(sys.executable, "-m", f"benchmarks.{module}", "--help")
    assert done.stdout.startswith(f"usage: python -m benchmarks.{module} "), done.stderr
