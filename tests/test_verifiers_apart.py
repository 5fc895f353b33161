"""Grading apart: in clean, limited processes; what goes wrong in one costs its verdict and nothing else."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import making
import psutil
import pytest

from specs.errors import BoundaryError
from specs.records import Change, change_of
from verifiers import apart
from verifiers.apart import Graders, Limits
from verifiers.grade import Graded, grade, grade_apart

ROOT = Path(__file__).parent.parent
TASK = making.task({"in.csv": "a\n1\n2\n3\n", "bytes": bytes(range(256))})
VERIFIER = making.verifier([{"kind": "table", "params": making.TWO_ROWS}])
RIGHT = change_of("out.csv", b"a\n1\n2\n")
LARGE = change_of("out.csv", b"a\n" + b"1\n" * 100_000)
OUTCOMES = [RIGHT, change_of("out.csv", b"a\n1\n"), change_of("out.csv", bytes(range(256))), change_of("else", b""), LARGE]


Started = Callable[[], list[psutil.Process]]


def graded(graders: Graders, *changes: Change) -> Graded:
    return grade_apart(graders, TASK, VERIFIER, changes)


@pytest.fixture
def started() -> Callable[[], list[psutil.Process]]:
    """Tells the processes that live now and did not when the test began."""
    before = set(psutil.Process().children())
    return lambda: [p for p in psutil.Process().children() if p not in before and p.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="module")
def graders() -> Iterator[Graders]:
    with Graders(1, sandbox=None) as made:
        yield made


@pytest.mark.parametrize("change", OUTCOMES)
def test_a_verdict_is_the_same_apart(graders: Graders, change: Change) -> None:
    assert graded(graders, change) == grade(TASK, VERIFIER, [change])


def test_a_content_that_is_too_large_to_be_read_does_not_travel_and_changes_nothing(graders: Graders) -> None:
    large = change_of("out.csv", b"1" * (2 << 20))
    assert graded(graders, large) == grade(TASK, VERIFIER, [large])
    assert "too large" in graded(graders, large).checks[0].why


def test_one_process_serves_many_verdicts(graders: Graders, started: Started) -> None:
    graded(graders, RIGHT)
    before = [p.pid for p in started()]
    assert [graded(graders, c).score for c in OUTCOMES[:2]] == [1.0, 0.25]
    assert [p.pid for p in started()] == before


def test_errors_keep_their_boundary(graders: Graders) -> None:
    broken = making.verifier([{"kind": "table", "params": {"path": "out.csv"}}])
    with pytest.raises(BoundaryError, match="KeyError") as caught:
        graders.ask(TASK, broken, [RIGHT])
    assert caught.value.boundary == "grader"
    code = making.verifier([{"kind": "code", "params": CODE}])
    with pytest.raises(BoundaryError) as caught:
        graders.ask(PACKAGE, code, [MENDED])
    assert caught.value.boundary == "box"
    assert graded(graders, RIGHT).solved


# Limits


@pytest.mark.parametrize(
    ("limits", "said"), [(Limits(seconds=0.05), "0.05 s of processor time"), (Limits(memory_bytes=4 << 20), "4 MB of memory")]
)
def test_an_outcome_that_needs_too_much_scores_nothing_and_the_next_is_graded(limits: Limits, said: str) -> None:
    with Graders(1, limits, sandbox=None) as few:
        assert graded(few, RIGHT).solved
        over = graded(few, LARGE)
        assert (over.score, over.solved, over.checks[0].kind) == (0.0, False, "limit")
        assert said in over.checks[0].why
        assert graded(few, RIGHT).solved


def test_one_that_does_not_answer_is_killed_by_the_clock(started: Started) -> None:
    with Graders(1, Limits(clock_s=3), sandbox=None) as few:
        assert graded(few, RIGHT).solved
        (stuck,) = started()
        stuck.suspend()
        with pytest.raises(BoundaryError, match="no verdict within 3 s"):
            graded(few, RIGHT)
        assert not stuck.is_running()
        assert graded(few, RIGHT).solved


def test_one_that_was_killed_is_replaced_and_its_verdict_comes(started: Started) -> None:
    with Graders(1, sandbox=None) as few:
        assert graded(few, RIGHT).solved
        started()[0].kill()
        assert graded(few, RIGHT).solved
        threading.Timer(0.02, started()[0].kill).start()
        assert [graded(few, LARGE).score for _ in range(3)] == [grade(TASK, VERIFIER, [LARGE]).score] * 3


def test_dying_again_is_an_error_with_its_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "dying.py").write_text("import sys; sys.exit('no room here')")
    with Graders(1) as few:
        with monkeypatch.context() as patch:
            patch.setattr(apart, "SCRIPT", tmp_path / "dying.py")
            with pytest.raises(BoundaryError, match=r"died \(exit status 1\).*no room here"):
                graded(few, RIGHT)
        assert graded(few, RIGHT).solved


def test_a_grader_is_bounded_by_the_kernel(started: Started) -> None:
    with Graders(1, Limits(memory_bytes=64 << 20)) as few:
        graded(few, RIGHT)
        (process,) = started()
        held = process.memory_info().vms
        assert held < process.rlimit(psutil.RLIMIT_AS)[0] < held + (72 << 20)
        assert process.rlimit(psutil.RLIMIT_FSIZE)[0] <= 1 << 20
        assert process.rlimit(psutil.RLIMIT_NPROC)[0] == 0


def test_threads_share_the_processes(started: Started) -> None:
    with Graders(2, sandbox=None) as two:
        scores: list[float] = []
        threads = [threading.Thread(target=lambda c=c: scores.append(graded(two, c).score)) for c in [RIGHT, OUTCOMES[1]] * 8]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert sorted(scores) == [0.25] * 8 + [1.0] * 8
        assert len(started()) == 2
    assert started() == []
    with pytest.raises(BoundaryError, match="closed"):
        graded(two, RIGHT)


# Boxes

MODULE = "def double(n):\n    return n\n"
PACKAGE = making.task({"pkg/m.py": MODULE})
MENDED = change_of("pkg/m.py", b"def double(n):\n    return 2 * n\n")
CODE: dict[str, Any] = {
    "module": "pkg/m.py",
    "function": "double",
    "cases": [{"args": [2], "expect": 4}, {"args": [0], "expect": 0}],
    "tests": None,
    "workdir": "pkg",
    "may_change": ["pkg/m.py"],
    "under": "pkg",
}
GREEDY = (
    b"import resource\ndef double(n):\n    bytearray(300 << 20)\n    return 2 * n if resource.getrlimit(resource.RLIMIT_AS)[0] < 0 else 0\n"
)


def test_code_runs_in_boxes_under_their_own_limits() -> None:
    verifier = making.verifier([{"kind": "code", "params": CODE}])
    with Graders(1, Limits(memory_bytes=64 << 20)) as few:
        assert grade_apart(few, PACKAGE, verifier, [MENDED]).solved
        assert grade_apart(few, PACKAGE, verifier, [change_of("pkg/m.py", GREEDY)]).solved
        assert grade_apart(few, PACKAGE, verifier, [change_of("pkg/m.py", b"raise SystemExit\n")]).score == 0


# Isolation

TRAP = "open({mark!r}, 'a').write(__name__ + ' ')\n"
SHADOWED = (
    "sitecustomize",
    "usercustomize",
    "json",
    "yaml",
    "re",
    "csv",
    "base64",
    "verifiers",
    "specs",
    "sandbox",
    "conftest",
    "resource",
)


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace, and the caller's working folder, full of things that Python or a tool would load; each leaves a mark when it is."""
    folder, mark = tmp_path / "ws", tmp_path / "mark"
    folder.mkdir()
    for name in SHADOWED:
        (folder / f"{name}.py").write_text(TRAP.format(mark=str(mark)))
    (folder / "evil.pth").write_text(f"import os; open({str(mark)!r}, 'a').write('pth')\n")
    (folder / "pyvenv.cfg").write_text("home = /nowhere\ninclude-system-site-packages = true\n")
    (folder / ".pdbrc").write_text(f"import os; open({str(mark)!r}, 'a').write('pdbrc')\n")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --fail\n")
    (folder / "bwrap").write_text(f"#!/bin/sh\necho bwrap >> {mark}\n")
    (folder / "bwrap").chmod(0o755)
    (folder / "python3").symlink_to("bwrap")
    monkeypatch.chdir(folder)
    hostile = {"PYTHONPATH": str(folder), "PYTHONSTARTUP": str(folder / "json.py"), "PYTHONHOME": "", "PYTHONINSPECT": "1"}
    hostile |= {
        "PYTHONUSERBASE": str(folder),
        "HOME": str(folder),
        "LC_ALL": "tr_TR.UTF-8",
        "TZ": "Asia/Kathmandu",
        "PYTHONWARNINGS": "error",
    }
    hostile |= {
        "PATH": f".:{os.environ['PATH']}",
        "SECRET_KEY": "x",
        "TMPDIR": str(tmp_path),
        "LD_PRELOAD": "",
        "PYTHONBREAKPOINT": "json.x",
    }
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    return mark


def test_nothing_of_a_workspace_is_loaded(planted: Path) -> None:
    subprocess.run([sys.executable, "-c", "import json"], check=False, capture_output=True)
    assert planted.exists(), "the traps spring when somebody steps in"
    planted.unlink()
    left = [change_of(p.name, p.read_bytes()) for p in Path().iterdir() if p.is_file()]
    package = dataclasses.replace(
        PACKAGE, workspace=(*PACKAGE.workspace, *making.task({"pkg/json.py": TRAP.format(mark="/tmp/x")}).workspace)
    )
    with Graders(1) as few:
        assert graded(few, RIGHT, *left).solved
        verifier = making.verifier([{"kind": "code", "params": CODE}])
        assert grade_apart(few, package, verifier, [MENDED, *left]).solved
    assert not planted.exists()


def test_a_grader_starts_with_nothing_of_the_callers(planted: Path, started: Started) -> None:
    with Graders(1, sandbox=None) as few:
        graded(few, RIGHT)
        (process,) = started()
        assert set(process.environ()) == {"PATH"}
        assert all(p.startswith("/") for p in process.environ()["PATH"].split(":"))
        cwd = Path(process.cwd())
        assert list(cwd.iterdir()) == []
        assert [f for f in process.open_files() if f.fd != 2] == []
    assert not cwd.exists()


def test_the_processes_end_with_their_caller() -> None:
    script = "import sys, time\nfrom verifiers.apart import Graders\nimport making\ng = Graders(1, sandbox=None)\n"
    script += "g.ask(making.task({}), making.verifier([{'kind': 'files', 'params': {'expect': [], 'gone': [], 'under': '', 'only': False}}]), [])\n"
    script += "print('ready', flush=True); time.sleep(60)\n"
    env = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=env) as caller:
        assert caller.stdout is not None and caller.stdout.readline() == b"ready\n"
        (grader,) = psutil.Process(caller.pid).children()
        caller.send_signal(signal.SIGKILL)
        assert psutil.wait_procs([grader], timeout=20)[1] == []
