"""Rollouts as an Inspect log, read back by Inspect itself and served by its viewer. Skipped where `make inspect` has not been run."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import export_making as made
import httpx
import pytest
from projects import REPO

from bench import export
from specs.errors import BoundaryError, UserError

PYTHON = REPO / ".inspect/bin/python"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported log of one rollout of each kind."""
    if not PYTHON.is_file():
        pytest.skip("there is no Inspect here: make inspect")
    root = tmp_path_factory.mktemp("inspect")
    made.keep(root, *made.everything())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        assert export.main(["--agent", "teacher", "--to", "out", "--format", "inspect", "--inspect", str(PYTHON)]) == 0
    return root / "out/teacher-bench.eval"


@pytest.fixture(scope="module")
def read(log: Path) -> dict[str, Any]:
    """The log as `read_eval_log` reads it."""
    code = "import sys; from inspect_ai.log import read_eval_log; print(read_eval_log(sys.argv[1], resolve_attachments=True).model_dump_json())"
    done = subprocess.run([PYTHON, "-I", "-c", code, log], capture_output=True, text=True, check=True)
    value: dict[str, Any] = json.loads(done.stdout)
    return value


@pytest.fixture(scope="module")
def samples(read: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Its samples by the names of the rollouts."""
    names = {made.identity(n): n for n in ("solved", "half", "limit", "failed", "unjudged", "grader", "hard")}
    return {names[s["uuid"]]: s for s in read["samples"]}


def test_inspect_reads_a_sample_for_every_rollout(read: dict[str, Any], samples: dict[str, Any]) -> None:
    assert len(samples) == len(read["samples"]) == 7
    assert (read["status"], read["eval"]["task"], read["eval"]["model"]) == ("success", "clawgym-bench", "clawgym/teacher")
    assert {(s["id"], s["epoch"]) for s in read["samples"]} == {(r.task, r.attempt + 1) for r in made.everything()[0]}


def test_the_conversation_and_its_calls_are_there(samples: dict[str, Any]) -> None:
    messages = samples["solved"]["messages"]
    assert [(m["role"], m["content"]) for m in messages] == [(m["role"], m["content"]) for m in made.conversation("{}")]
    (call,) = messages[2]["tool_calls"]
    assert (call["function"], call["arguments"]) == ("exec", {"command": "ls"})
    assert (messages[3]["tool_call_id"], messages[3]["function"]) == (call["id"], "exec")


def test_the_transcript_has_each_answer_each_tool_and_the_scores(samples: dict[str, Any]) -> None:
    events = samples["solved"]["events"]
    assert [e["event"] for e in events] == ["sample_init", "model", "tool", "model", "score", "score"]
    assert (events[2]["arguments"], events[2]["result"]) == ({"command": "ls"}, "ok")
    assert len(events[3]["input"]) == 4


def test_verdicts_are_scores_and_means_are_of_the_graded(read: dict[str, Any], samples: dict[str, Any]) -> None:
    assert {n: s["scores"]["verdict"]["value"] for n, s in samples.items() if s["scores"]} == {
        "solved": 1,
        "half": 0.5,
        "limit": 0,
        "hard": 0.25,
    }
    assert samples["half"]["scores"]["verdict"]["explanation"] == "0.50 rows (table) two | rows <b>"
    scores = {s["name"]: s for s in read["results"]["scores"]}
    assert scores["verdict"]["metrics"]["mean"]["value"] == pytest.approx(1.75 / 4)
    assert scores["solved"]["metrics"]["accuracy"]["value"] == 0.25
    assert (scores["verdict"]["scored_samples"], scores["verdict"]["unscored_samples"]) == (4, 3)


def test_a_failure_of_the_machinery_is_an_error_and_no_score(samples: dict[str, Any]) -> None:
    errors = {n: s["error"]["message"] for n, s in samples.items() if s["error"]}
    assert errors == {"failed": "endpoint: HTTP 500", "unjudged": "grader: no verdict", "grader": "grader: fell over"}
    assert all(not samples[n]["scores"] for n in errors)


def test_a_limit_is_a_limit(samples: dict[str, Any]) -> None:
    limits = {n: (s["limit"]["type"], s["limit"]["limit"]) for n, s in samples.items() if s["limit"]}
    assert limits == {"limit": ("turn", 12)}


def test_a_sample_names_what_the_rollout_depends_on(samples: dict[str, Any]) -> None:
    run = made.everything()[0][0]
    metadata = samples["solved"]["metadata"]
    assert (metadata["rollout"], metadata["task_digest"], metadata["policy"]) == (run.id, run.task_digest, run.policy)
    assert metadata["changes"] == [{"path": "out.txt", "type": "file", "size": 2}]
    assert samples["solved"]["model_usage"]["clawgym/teacher"]["total_tokens"] == 2


def test_arguments_that_no_reader_agrees_about_keep_their_text(samples: dict[str, Any]) -> None:
    calls = samples["hard"]["messages"][2]["tool_calls"]
    big = {"a": 10**40}
    assert [c["arguments"] for c in calls] == [big if str(10**40) in text else {"not_json": text} for text in made.HARD]


def test_hostile_text_comes_back_to_the_letter(samples: dict[str, Any]) -> None:
    results = [m["content"] for m in samples["hard"]["messages"] if m["role"] == "tool"]
    assert results == [made.HOSTILE * 1000] * len(made.HARD)


def test_the_viewer_is_told_to_trust_nothing(read: dict[str, Any]) -> None:
    assert read["eval"]["viewer"]["trust_content"] is False


@pytest.fixture
def viewer(log: Path) -> Iterator[str]:
    """The address of `inspect view` on the folder of the log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [PYTHON.parent / "inspect", "view", "--log-dir", log.parent, "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
                break
            except httpx.TransportError:
                assert process.poll() is None
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_the_viewer_opens_it(viewer: str, log: Path) -> None:
    with httpx.Client(base_url=viewer, trust_env=False, timeout=60) as client:
        assert "<html" in client.get("/").text
        files = client.get("/api/logs").json()["files"]
        assert [Path(f["name"]).name for f in files] == [log.name]
        opened = client.get(f"/api/logs/{files[0]['name'].replace('/', '%2F')}").json()
    assert (opened["eval"]["task"], opened["results"]["total_samples"]) == ("clawgym-bench", 7)


def test_without_inspect_the_way_to_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made.keep(tmp_path, *made.everything())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="make inspect makes it"):
        export.main(["--agent", "teacher", "--to", "out", "--format", "inspect"])


def test_an_interpreter_without_inspect_is_an_error_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made.keep(tmp_path, *made.everything())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BoundaryError, match="No module named 'inspect_ai'") as failure:
        export.main(["--agent", "teacher", "--to", "out", "--format", "inspect", "--inspect", "/usr/bin/python3"])
    assert failure.value.boundary == "inspect"


def test_no_key_goes_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-to-be-seen")
    spy = tmp_path / "python"
    spy.write_text(f"#!/bin/sh\nenv > {tmp_path}/seen\n")
    spy.chmod(0o755)
    made.keep(tmp_path, *made.everything())
    monkeypatch.chdir(tmp_path)
    export.main(["--agent", "teacher", "--to", "out", "--format", "inspect", "--inspect", str(spy)])
    assert "PATH=" in (tmp_path / "seen").read_text() and "sk-never" not in (tmp_path / "seen").read_text()
