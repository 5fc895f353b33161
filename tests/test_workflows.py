"""GitHub's workflows: what runs a pull request's code may only read, what may write runs none of it, and nothing untrusted is in a script."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
OFFICIAL = re.compile(r"actions/(checkout|setup-python|cache|upload-artifact|download-artifact)@v\d+")
EVENTS = {"pull_request", "push", "workflow_run"}  # pull_request_target and issue_comment run with rights, on what a stranger sent


def workflow(path: Path) -> dict[str, Any]:
    """Its value; `on` is a truth value in YAML 1.1."""
    value: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else str(key): part for key, part in value.items()}


def jobs(path: Path) -> list[dict[str, Any]]:
    return list(workflow(path)["jobs"].values())


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(path) for step in job["steps"]]


def rights(path: Path) -> set[str]:
    """What a token may write."""
    granted = [workflow(path)["permissions"], *(job.get("permissions", {}) for job in jobs(path))]
    return {name for some in granted for name, how in some.items() if how != "read"}


def test_there_are_the_two() -> None:
    assert [p.name for p in FILES] == ["comment.yml", "specs.yml"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_workflow_is_formed_as_github_wants_it(path: Path) -> None:
    value = workflow(path)
    assert set(value) <= {"name", "on", "permissions", "concurrency", "jobs"} and {"name", "on", "permissions", "jobs"} <= set(value)
    assert set(value["on"]) <= EVENTS
    for job in jobs(path):
        assert job["runs-on"] == "ubuntu-24.04" and job["timeout-minutes"] <= 90
    for step in steps(path):
        assert ("uses" in step) != ("run" in step)
        assert set(step) <= {"name", "id", "if", "uses", "with", "run", "env", "continue-on-error"}
        assert "uses" not in step or OFFICIAL.fullmatch(step["uses"]), step


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_no_script_holds_an_expression_and_each_is_bash(path: Path) -> None:
    """An expression is put into a script as text before the shell reads it: a branch called $(...) would run."""
    for step in steps(path):
        script = step.get("run", "")
        assert "${{" not in script
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_what_may_write_runs_nothing_of_the_pull_request(path: Path) -> None:
    uses = [step["uses"] for step in steps(path) if "uses" in step]
    if "pull_request" in workflow(path)["on"]:
        assert rights(path) == set() and workflow(path)["permissions"] == {"contents": "read"}
        assert all(
            step["with"]["persist-credentials"] is False for step in steps(path) if step.get("uses", "").startswith("actions/checkout")
        )
    else:
        assert rights(path) == {"pull-requests"} and not any(use.startswith(("actions/checkout", "actions/cache")) for use in uses)
        assert not any(re.search(r"\b(make|python3?|source|eval)\b", step.get("run", "")) for step in steps(path))


def test_the_page_is_posted_after_the_workflow_that_makes_it() -> None:
    made, posted = workflow(ROOT / ".github/workflows/specs.yml"), workflow(ROOT / ".github/workflows/comment.yml")
    assert posted["on"]["workflow_run"]["workflows"] == [made["name"]]
    names = [step["with"]["name"] for path in FILES for step in steps(path) if "artifact" in step.get("uses", "")]
    assert names == ["diff", "diff"]


def test_what_a_workflow_makes_is_in_the_makefile() -> None:
    wanted = {m for path in FILES for step in steps(path) for m in re.findall(r"\bmake (\w+)", step.get("run", ""))}
    assert wanted == {"setup", "validate", "accept", "diff"}
    for target in wanted:
        subprocess.run(["make", "--dry-run", "--silent", "VENV=/nowhere", target], cwd=ROOT, check=True, capture_output=True)


def test_make_hands_a_revision_on_unread(tmp_path: Path) -> None:
    """No shell sees what a branch is called."""
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin/python"
    python.write_text('#!/bin/bash\nprintf "%s\\n" "$@" > "$TOLD"\n')
    python.chmod(0o755)
    (tmp_path / "ready").touch()
    os.utime(tmp_path / "ready", (2**31, 2**31))
    told, name = tmp_path / "told", 'x"; touch stolen; echo `touch stolen` $(touch stolen)'
    for given in ({"BASE": name, "OUT": name}, {"BASE": name}, {}):
        environment = {**os.environ, "TOLD": str(told), **given}
        subprocess.run(["make", "--silent", f"VENV={tmp_path}", "diff"], cwd=ROOT, env=environment, check=True)
        out = ["--out", given["OUT"]] if "OUT" in given else []
        assert told.read_text().splitlines() == ["-m", "bench.diff", "--base", given.get("BASE", "HEAD"), *out]
    assert not (ROOT / "stolen").exists()


GH = """\
#!/bin/bash
printf '%s\\n' "$*" >> calls
case "$*" in
  *--input*) cp body.json "posted-$(grep -c . calls).json" ;;
  */pulls*) cat pulls.json ;;
  */comments*) cat comments.json ;;
esac
"""


@pytest.fixture
def posting(tmp_path: Path) -> Path:
    """A folder with a page and a stand-in for GitHub's command, which costs an account."""
    (tmp_path / "page").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/gh").write_text(GH)
    (tmp_path / "bin/gh").chmod(0o755)
    (tmp_path / "pulls.json").write_text(json.dumps([{"number": 3, "head": {"sha": "old"}}, {"number": 7, "head": {"sha": "abc"}}]))
    (tmp_path / "comments.json").write_text("[]")
    return tmp_path


def post(folder: Path, page: str) -> list[str]:
    """The calls of GitHub's command when the page is posted, as GitHub runs the script."""
    (folder / "page/diff.md").write_text(page, encoding="utf-8")
    script = next(step["run"] for step in steps(ROOT / ".github/workflows/comment.yml") if "run" in step)
    environment = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "GITHUB_REPOSITORY": "o/r", "HEAD": "o:b$(touch stolen)", "SHA": "abc"}
    subprocess.run(["bash", "-e", "-c", script], cwd=folder, env={**environment, "LC_ALL": "C.UTF-8"}, check=True)
    assert not (folder / "stolen").exists()
    return (folder / "calls").read_text().splitlines()


needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="GitHub's machines have jq, this one has not")


@needs_jq
def test_a_page_becomes_a_comment_of_the_pull_request_with_that_head(posting: Path) -> None:
    calls = post(posting, "## Tasks\n\n```text\nmail @everyone at a@example.org\n```\n")
    assert "head=o:b$(touch stolen)" in calls[0]
    assert calls[-1].startswith("api --method POST repos/o/r/issues/7/comments")
    body = json.loads(next(posting.glob("posted-*.json")).read_text(encoding="utf-8"))["body"]
    assert "## Tasks" in body and not re.search(r"@\w", body) and "@\u200beveryone" in body


@needs_jq
def test_the_comment_of_before_is_replaced(posting: Path) -> None:
    marker = "<!-- what this change does to the dataset -->\n"
    others = [("someone", marker), ("github-actions[bot]", "else"), ("github-actions[bot]", marker + "x")]
    (posting / "comments.json").write_text(
        json.dumps([{"id": n, "user": {"login": who}, "body": body} for n, (who, body) in enumerate(others, 1)])
    )
    assert post(posting, "new")[-1].startswith("api --method PATCH repos/o/r/issues/comments/3 ")


@needs_jq
def test_a_page_of_another_head_is_not_posted(posting: Path) -> None:
    (posting / "pulls.json").write_text(json.dumps([{"number": 3, "head": {"sha": "old"}}]))
    assert len(post(posting, "new")) == 1


@needs_jq
def test_an_endless_page_is_cut(posting: Path) -> None:
    post(posting, "@" * 100_000)
    assert len(json.loads(next(posting.glob("posted-*.json")).read_text(encoding="utf-8"))["body"]) <= 65_536
