"""Unit tests that an agent wrote: they pass on right versions of a module and fail on each faulty one, every version in a fresh box.

The second right version is written differently, and some faulty ones are made from it: tests that go by the module's text gain nothing.
No version but the given one ever enters the agent's workspace.
"""

from __future__ import annotations

import posixpath
import shlex
from pathlib import Path
from typing import Any

from sandbox.box import OpenBox
from sandbox.faults import BoxLimit
from specs.errors import BoundaryError
from specs.records import File, file_of
from verifiers import package, parsing
from verifiers.snapshot import Unreadable, View

INEXACT = 0.5
TIMEOUT_S = 10.0
REPORT_BYTES = 1 << 16
RUNNER = Path(__file__).parent.parent / "testrunner.py"
PASSED, FAILED, ENDLESS = "pass", "fail", "they do not finish in time"


def check(params: dict[str, Any], view: View) -> tuple[float, str]:
    """1.0 when the tests pass on both right versions and fail on each faulty one; else at most 0.5, by the share that they catch.

    0 where they do not pass on a right version, or something else was changed. Raises BoundaryError("box") where no box is to be had.
    """
    touched = package.touched(params, view)
    if touched:
        return 0.0, f"{touched} may not be changed"
    view.read(params["tests"])
    if not view.touched(params["tests"]):
        return 0.0, f"{params['tests']} is as it was"
    for text, which in ((None, "the module as it is"), (params["second"], "the same module written differently")):
        outcome = _outcome(params, view, text)
        if outcome != PASSED:
            return 0.0, f"on {which}: {'they fail' if outcome == FAILED else outcome}"
    missed = _missed(params, view)
    if not missed:
        return 1.0, ""
    wrong = len(params["faulty"])
    return INEXACT * (wrong - len(missed)) / wrong, f"{len(missed)} of {wrong} faults go unnoticed: {', '.join(missed)}"


def _missed(params: dict[str, Any], view: View) -> list[str]:
    """Names of the faults on which no test fails; after one on which they do not finish, all the rest (so that time is bounded)."""
    missed = []
    for number, version in enumerate(params["faulty"]):
        outcome = _outcome(params, view, version["text"])
        if outcome != FAILED:
            missed.append(version["name"])
        if outcome == ENDLESS:
            return missed + [v["name"] for v in params["faulty"][number + 1 :]]
    return missed


def _outcome(params: dict[str, Any], view: View, text: str | None) -> str:
    """PASSED, FAILED (a test ran and failed), or what else happened, with `text` in the module's place (None: as given)."""
    if view.open_box is None:
        raise BoundaryError("box", "this check runs code, and no sandbox is at hand")
    files = _version(params, view, text)
    run = package.key(files, ["tests", params["tests"], params["workdir"]])
    outcome: str = package.recall(run) or _run(params, view.open_box, files)
    if outcome != ENDLESS:
        package.remember(run, outcome)
    return outcome


def _run(params: dict[str, Any], open_box: OpenBox, files: list[File]) -> str:
    stem = posixpath.basename(params["tests"]).removesuffix(".py")
    folder, nonce, ours = package.job(RUNNER, {"tests": stem, "workdir": params["workdir"]})
    with open_box([*files, *ours]) as box:
        try:
            result = box.exec(shlex.join(["/usr/bin/python3", "-I", "-B", f"{folder}/run.py"]), timeout_s=TIMEOUT_S)
            if result.timed_out:
                return ENDLESS
            return _read(box.read(f"{folder}/report"), nonce)
        except (BoxLimit, OSError) as error:
            return f"they end in {error or type(error).__name__}"


def _version(params: dict[str, Any], view: View, text: str | None) -> list[File]:
    files = package.files(params, view)
    if text is None:
        return files
    return [file_of(f.path, text.encode()) if f.path == params["module"] else f for f in files]


def _read(data: bytes, nonce: str) -> str:
    """What the one report says; a second one, or none, means that the tests did not run as tests do."""
    lines = package.reported(data[:REPORT_BYTES], nonce)
    if len(lines) != 1:
        return "they end before they are through" if not lines else "they report more than once"
    try:
        report = parsing.json_of(lines[0])
    except (Unreadable, ValueError):
        return "their report can't be read"
    if not isinstance(report, dict) or not report.get("loaded"):
        return "they can't be imported"
    if report.get("ran") is not True:
        return "no test ran"
    if report.get("clean") is True:
        return PASSED
    return FAILED if report.get("failed") is True else "they break outside of any test"
