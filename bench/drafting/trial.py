"""A draft on trial: laid into a copy of the spec tree, and judged by a process that can be stopped and knows no secret."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.drafting.answers import Draft
from specs.errors import BoundaryError, Problem

REPOSITORY = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("personas", "skills", "specs")
CHECKS = "verifiers/kinds"
SECONDS = 900
CODE = shutil.ignore_patterns("*.py[co]", "__pycache__")


def judged(draft: Draft, root: Path = Path(), seconds: float = SECONDS) -> list[Problem]:
    """What is wrong with a draft that has a name, against everything under `root`; paths are those of the draft's folder.

    Raises BoundaryError where a box fails.
    """
    with _tree(root) as tree:
        place = draft.place()
        for path, text in draft.files.items():
            target = tree / place / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        found = _run(tree, (place / draft.main).as_posix(), seconds)
    return [dataclasses.replace(p, path=p.path.removeprefix(f"{place.as_posix()}/")) for p in found]


@contextmanager
def _tree(root: Path) -> Iterator[Path]:
    """A copy of all that specs are checked against, and a temporary folder of its own beside it."""
    with tempfile.TemporaryDirectory(prefix="draft-") as folder:
        tree = Path(folder) / "tree"
        for name in FOLDERS:
            shutil.copytree(root / name, tree / name, ignore=CODE)
        (tree / CHECKS).mkdir(parents=True)
        for schema in (root / CHECKS).glob("*.schema.json"):
            shutil.copy(schema, tree / CHECKS)
        shutil.copy(root / "params.yaml", tree)
        (Path(folder) / "tmp").mkdir()
        yield tree


def _run(tree: Path, path: str, seconds: float) -> list[Problem]:
    """The verdict of the process; one that ends without, is told as a problem of the draft."""
    known = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT") if name in os.environ}
    env = {
        **known,
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(tree.parent / "tmp"),
        "TMPDIR": str(tree.parent / "tmp"),
    }
    command = [sys.executable, "-P", "-m", "bench.drafting.judging", path]
    process = subprocess.Popen(
        command,
        cwd=tree,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return [Problem(path, 1, 1, "", f"judging it took more than {seconds:g} seconds", "make its SQL and its sayings simpler")]
    finally:
        _stop(process)
    return _answer(path, out, err, process.returncode)


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _answer(path: str, out: str, err: str, status: int) -> list[Problem]:
    try:
        answer = json.loads(out)
    except ValueError:
        why = (err.strip().splitlines() or [f"status {status}"])[-1][:300]
        return [Problem(path, 1, 1, "", f"judging it broke off: {why}", "make it plainer, after the examples")]
    if "boundary" in answer:
        raise BoundaryError(str(answer["boundary"]), str(answer["message"]))
    return [Problem(*fields) for fields in answer["problems"]]
