"""Models that are served for the time of a stage: their digest, and a server that ends whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from projects import REPO, SAMPLING, TASKS, Project, running

from sandbox import served
from specs.errors import BoundaryError, UserError

SPEAKING = """
import sys, threading
from sandbox import scripted, rollout
from specs import layout
from specs.records import Task
from specs import shards
sys.stderr.write(f"model {sys.argv[1:]}\\n")
with scripted.serve("untouched", list(shards.read(layout.TASKS, Task))) as url:
    print("loading", flush=True)
    print("ready " + url.removesuffix("/v1"), flush=True)
    threading.Event().wait()
"""


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A model folder, and a server module in the project's own `train` that stands in for a model's."""
    folder = tmp_path / "models/base"
    folder.mkdir(parents=True)
    for name in ("model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja", "README.md"):
        (folder / name).write_text(name)
    (tmp_path / "train").mkdir()
    (tmp_path / "train/__init__.py").write_text("")
    (tmp_path / "train/serve.py").write_text(SPEAKING)
    return folder


def test_a_served_agent_takes_the_models_subset_of_the_bench_with_its_own_steps(tmp_path: Path, checkpoint: Path) -> None:
    project = Project(tmp_path, TASKS, "bench")
    project.stage("--agent", "base")
    found = project.rollouts("data/rollouts/base-bench")
    assert set(found) == {task.id for task in TASKS[:2]}
    one = found[TASKS[0].id]
    assert one.policy == {"name": "base", "digest": served.digest_of_model(checkpoint)}
    assert (one.status, one.sampling, one.harness["limits"]["steps"]) == ("completed", SAMPLING, 3)
    assert one.calls[0].request["logprobs"] is True


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"])
def test_a_models_digest_depends_on_what_decides_its_words(checkpoint: Path, name: str) -> None:
    before = served.digest_of_model(checkpoint)
    (checkpoint / name).write_text("other")
    assert served.digest_of_model(checkpoint) != before


def test_a_models_digest_does_not_depend_on_the_rest(checkpoint: Path) -> None:
    before = served.digest_of_model(checkpoint)
    (checkpoint / "README.md").write_text("other")
    (checkpoint / "trained_on.json").write_text("{}")
    assert served.digest_of_model(checkpoint) == before


def test_a_folder_without_a_model_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        served.digest_of_model(tmp_path)


def test_the_server_ends_with_the_block_also_after_an_error(tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Project(tmp_path, TASKS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(REPO))
    with pytest.raises(ZeroDivisionError), served.serve_model(checkpoint):
        assert running(str(checkpoint))
        raise ZeroDivisionError
    assert not running(str(checkpoint))


def test_a_server_that_ends_early_is_the_endpoints_failure(tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train/serve.py").write_text("import sys; print('loading'); sys.exit(3)")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BoundaryError, match=r"train\.serve ended with 3"), served.serve_model(checkpoint):
        pass


def test_a_server_that_stays_silent_is_given_up(tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train/serve.py").write_text("import time; time.sleep(60)")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BoundaryError, match="not ready"), served.serve_model(checkpoint, start_s=0.3):
        pass
    assert not running(str(checkpoint))


def test_the_server_dies_with_a_stage_that_is_killed(tmp_path: Path, checkpoint: Path) -> None:
    Project(tmp_path, TASKS)
    holding = (
        "import sys; from pathlib import Path; from sandbox import served\n"
        "with served.serve_model(Path(sys.argv[1])): print('up', flush=True); input()"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", holding, str(checkpoint)], cwd=tmp_path, env=environment, **pipes) as process:
        assert process.stdout.readline() == b"up\n"
        pids = [pid for pid in running(str(checkpoint)) if pid != process.pid]
        assert pids
        process.kill()
    deadline = time.monotonic() + 20
    while set(pids) & set(running(str(checkpoint))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not set(pids) & set(running(str(checkpoint)))
