"""Grading: weights, gates, protected files, the error boundary; and the stage over real shards."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import checking
import making
import pytest

from sandbox.box import Sandbox
from specs import layout, shards
from specs.errors import BoundaryError, UserError
from specs.records import Change, Failure, Protected, Rollout, Task, Usage, Verdict, Verifier, change_of
from specs.store import Store
from verifiers import grade, grade_workspace
from verifiers.apart import Graders

ROOT = Path(__file__).parent.parent
TREE: dict[str, Any] = {"path": "c.json", "format": "json", "leaves": {"x": 1}}
TASK = making.task({"in.csv": "a\n1\n2\n3\n"})
RIGHT = change_of("out.csv", b"a\n1\n2\n")
HALF = change_of("out.csv", b"a\n1\n")


def score(checks: list[dict[str, Any]], *changes: Change, protected: tuple[Protected, ...] = ()) -> float:
    return grade.grade(TASK, making.verifier(checks, protected=protected), changes).score


def test_weights_make_a_mean() -> None:
    checks = [{"kind": "table", "params": making.TWO_ROWS, "weight": 3}, {"kind": "tree", "params": TREE, "weight": 1}]
    assert score(checks, RIGHT) == 0.75
    assert score(checks, RIGHT, change_of("c.json", b'{"x": 1}')) == 1
    assert score(checks) == 0


def test_a_gate_multiplies() -> None:
    checks = [{"kind": "table", "params": making.TWO_ROWS}, {"kind": "tree", "params": TREE, "weight": 0}]
    assert score(checks, RIGHT) == 0
    assert score(checks, RIGHT, change_of("c.json", b'{"x": 1}')) == 1
    assert (
        score(
            [{"kind": "tree", "params": TREE}, {"kind": "table", "params": making.TWO_ROWS, "weight": 0}],
            HALF,
            change_of("c.json", b'{"x": 1}'),
        )
        == 0.25
    )


def test_solved_is_all_and_nothing_less() -> None:
    checks = [{"kind": "table", "params": making.TWO_ROWS, "weight": 1e6}, {"kind": "tree", "params": TREE, "weight": 1}]
    assert not grade.grade(TASK, making.verifier(checks), [RIGHT]).solved
    assert grade.grade(TASK, making.verifier(checks[:1]), [RIGHT]).solved


@pytest.mark.parametrize(
    "change",
    [
        change_of("in.csv", b"a\n1\n2\n"),
        change_of("in.csv", b""),
        Change("in.csv", "deleted", 0, 0, "", None),
        Change("in.csv", "symlink", 0o777, 3, TASK.workspace[0].digest, b"x"),
        Change("in.csv", "directory", 0o755, 0, "", None),
    ],
)
def test_a_protected_file_that_changed_costs_all(change: Change) -> None:
    protected = (Protected("in.csv", TASK.workspace[0].digest),)
    checks = [{"kind": "table", "params": making.TWO_ROWS}]
    assert score(checks, RIGHT, change) == 1
    assert score(checks, RIGHT, change, protected=protected) == 0
    assert score(checks, RIGHT, protected=protected) == 1
    assert score(checks, RIGHT, change_of("in.csv", TASK.workspace[0].content, 0o600), protected=protected) == 1


def verdict(verifier: Verifier, left: Rollout) -> Verdict:
    with Graders(1) as graders:
        return grade.verdict(TASK, verifier, left, graders)


def test_a_check_that_crashes_is_an_error_of_the_grader() -> None:
    with pytest.raises(BoundaryError) as caught:
        score([{"kind": "table", "params": {"path": "out.csv"}}], RIGHT)
    assert caught.value.boundary == "grader"
    made = verdict(making.verifier([{"kind": "table", "params": {"path": "out.csv"}}]), rollout(RIGHT))
    assert (made.status, made.score, made.solved) == ("error", 0.0, False)
    assert made.error is not None and made.error.boundary == "grader"


@pytest.mark.parametrize("kind", ["nothing", "__init__", "../grade", "os"])
def test_an_unknown_kind_is_an_error_of_the_grader(kind: str) -> None:
    with pytest.raises(BoundaryError, match="no kind"):
        score([{"kind": kind, "params": {}}])


def test_no_weight_is_an_error_of_the_grader() -> None:
    with pytest.raises(BoundaryError, match="weight"):
        score([{"kind": "table", "params": making.TWO_ROWS, "weight": 0}], RIGHT)


def test_grading_changes_nothing_and_is_repeatable() -> None:
    verifier = making.verifier([{"kind": "table", "params": making.TWO_ROWS}])
    assert grade.grade(TASK, verifier, [HALF]) == grade.grade(TASK, verifier, [HALF])


def rollout(*changes: Change, status: str = "completed", identity: str = "r" * 12, error: Failure | None = None) -> Rollout:
    return Rollout(
        identity, TASK.id, TASK.digest, "someone", 0, {"name": "builtin", "version": "1"}, {"name": "p"}, {}, status, "", error, (), [], [],
        Usage(0, 0, 0, 0), 0.1, changes,
    )  # fmt: skip


def test_a_rollout_that_failed_is_no_score_of_zero() -> None:
    made = verdict(
        making.verifier([{"kind": "table", "params": making.TWO_ROWS}]), rollout(status="error", error=Failure("endpoint", "gone"))
    )
    assert (made.status, made.error) == ("error", Failure("endpoint", "gone"))


def test_a_rollout_that_ended_by_a_limit_is_graded() -> None:
    assert verdict(making.verifier([{"kind": "table", "params": making.TWO_ROWS}]), rollout(RIGHT, status="limit")).solved


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shards.write(layout.TASKS, Task, [("train", TASK)])
    shards.write(layout.VERIFIERS, Verifier, [("train", making.verifier([{"kind": "table", "params": making.TWO_ROWS}]))])
    (tmp_path / "params.yaml").write_text("sandbox: {}\ngrade: {workers: 2}\n")
    return tmp_path


def run_stage(*rollouts: Rollout) -> tuple[dict[str, int], dict[str, Verdict]]:
    source, out = layout.rollouts("someone", "train"), layout.verdicts("someone", "train")
    shards.write(source, Rollout, [("train", r) for r in rollouts])
    store = Store(Path("store.sqlite"))
    counts = grade.run(source, out, "someone", 2, store, Sandbox())
    store.close()
    return counts, {v.rollout: v for v in shards.read(out, Verdict)}


def test_the_stage_grades_each_rollout_once(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = rollout(RIGHT, identity="a1"), rollout(HALF, identity="b2")
    counts, verdicts = run_stage(one, two)
    assert counts == {"graded": 2, "errors": 0, "solved": 1}
    assert (verdicts["a1"].score, verdicts["b2"].score) == (1.0, 0.25)
    monkeypatch.setattr(grade, "verdict", lambda *_: pytest.fail("graded again"))
    assert run_stage(one, two)[1] == verdicts
    assert set(run_stage(one)[1]) == {"a1"}  # exactly what the rollouts name


def test_a_changed_verifier_grades_anew_and_errors_are_tried_again(dataset: Path) -> None:
    one = rollout(HALF, identity="a1")
    first = run_stage(one)[1]["a1"]
    broken = making.verifier([{"kind": "table", "params": {}}])
    shards.write(layout.VERIFIERS, Verifier, [("train", broken)])
    assert run_stage(one)[0] == {"graded": 0, "errors": 1, "solved": 0}
    assert run_stage(one)[0]["errors"] == 1
    easier = making.verifier([{"kind": "table", "params": making.TWO_ROWS | {"rows": [["1"]]}}])
    shards.write(layout.VERIFIERS, Verifier, [("train", easier)])
    second = run_stage(one)[1]["a1"]
    assert second.solved and second.id != first.id


def test_a_rollout_of_an_unknown_task_is_the_users_to_mend(dataset: Path) -> None:
    with pytest.raises(UserError, match="not in the dataset"):
        run_stage(dataclasses.replace(rollout(RIGHT), task="ffffffffffff"))


def test_a_rollout_of_a_task_that_was_another_then_is_not_graded(dataset: Path) -> None:
    with pytest.raises(UserError, match="has changed since"):
        run_stage(dataclasses.replace(rollout(RIGHT), task_digest="x"))


def test_missing_rollouts_are_said_to_be(dataset: Path) -> None:
    with pytest.raises(UserError, match="run the rollout stage"):
        grade.run(Path("nowhere"), Path("out"), "someone", 1, Store(Path("store.sqlite")), Sandbox())


def test_a_folder_is_graded_and_its_verdict_is_json(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (dataset / "ws").mkdir()
    (dataset / "ws/in.csv").write_text("a\n1\n2\n3\n")
    (dataset / "ws/out.csv").write_text("A\n2\n1.0\n")
    assert grade_workspace.main(["--id", TASK.id, "--workspace", "ws"]) == 0
    assert json.loads(capsys.readouterr().out)["solved"] is True
    (dataset / "ws/out.csv").write_text("A\n2\n")
    grade_workspace.main(["--id", TASK.id, "--workspace", "ws"])
    got = json.loads(capsys.readouterr().out)
    assert (got["score"], got["checks"][0]["id"]) == (0.25, "check-0")


@pytest.mark.parametrize(
    ("identity", "folder", "said"), [("0a1b", "ws", "no task with the id"), (TASK.id, "nowhere", "no such folder"), ("", "ws", "no task")]
)
def test_a_mistake_is_answered_with_a_line_and_exit_code_1(dataset: Path, identity: str, folder: str, said: str) -> None:
    (dataset / "ws").mkdir()
    done = _module("verifiers.grade_workspace", "--id", identity, "--workspace", folder)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_the_command_line_of_the_stage(dataset: Path) -> None:
    shards.write(Path("runs/x/rollouts"), Rollout, [("bench", rollout(RIGHT))])
    done = _module("verifiers.grade", "--agent", "someone", "--rollouts", "runs/x/rollouts", "--out", "runs/x/verdicts")
    assert done.returncode == 0, done.stderr
    assert "1 graded, 1 solved, 0 errors" in done.stdout
    assert next(shards.read(Path("runs/x/verdicts"), Verdict)).solved
    assert _module("verifiers.grade", "--agent", "someone", "--split", "bench").returncode == 1


def _module(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": str(ROOT), "CLAWGYM_STORE": "store.sqlite"}
    return subprocess.run([sys.executable, "-m", name, *arguments], check=False, capture_output=True, text=True, env=env)


def test_the_digest_of_the_code_covers_every_module_that_grading_imports() -> None:
    """A verdict is kept under that digest: a file left out would keep stale verdicts."""
    covered = {p.relative_to(grade.HERE).as_posix() for pattern in grade._GRADING for p in grade.HERE.glob(pattern)}
    script = (
        "import sys, importlib, pathlib\nfrom verifiers import grade\n"
        "[importlib.import_module('verifiers.kinds.' + k) for k in grade.kinds()]\n"
        "print('\\n'.join(str(pathlib.Path(m.__file__).relative_to(grade.HERE)) for n, m in list(sys.modules.items()) if n.startswith('verifiers.')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert set(done.stdout.split()) - {"parallel.py"} <= covered  # which shapes no verdict
    assert checking.KINDS.parent == grade.HERE
