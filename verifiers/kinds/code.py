"""A mended module: calls that the agent never saw, run in a fresh box; the tests pass; nothing else was touched.

What the calls should return never enters the box: the box yields results, and they are compared out here.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from sandbox.faults import BoxLimit
from specs.errors import BoundaryError
from verifiers import package, parsing, reading
from verifiers.reading import shown
from verifiers.snapshot import Unreadable, View

INEXACT = 0.5
TIMEOUT_S = 20.0
RESULT_BYTES = 1 << 22
RUNNER = Path(__file__).parent.parent / "runner.py"


def check(params: dict[str, Any], view: View) -> tuple[float, str]:
    """1.0 when all calls return what they should and the tests pass; else at most 0.5, by the share of faulty calls mended.

    0 where something else was changed. Raises BoundaryError("box") where no box is to be had.
    """
    touched = package.touched(params, view)
    if touched:
        return 0.0, f"{touched} may not be changed"
    view.read(params["module"])
    if not any(view.touched(p) for p in params["may_change"]):
        return 0.0, f"{params['module']} is as it was"
    right, tests = _run(params, view)
    if all(right) and not tests:
        return 1.0, ""
    before, _ = _run({**params, "tests": None}, view.original())
    why = tests or f"{right.count(False)} of {len(right)} calls return something else than they should"
    faulty = [now for now, then in zip(right, before, strict=True) if not then]
    broken = sum(then and not now for now, then in zip(right, before, strict=True))
    return INEXACT * sum(faulty) / (len(faulty) + broken or 1), why


def _run(params: dict[str, Any], view: View) -> tuple[list[bool], str]:
    """Which calls return what they should, and what is wrong with the tests (or nothing)."""
    if view.open_box is None:
        raise BoundaryError("box", "this check runs code, and no sandbox is at hand")
    files = package.files(params, view)
    run = package.key(files, ["code", params])
    known: tuple[list[bool], str] | None = package.recall(run)
    if known is not None:
        return known
    cases = params["cases"]
    how = {name: params[name] for name in ("module", "function", "workdir")}
    folder, nonce, ours = package.job(RUNNER, {**how, "calls": [case["args"] for case in cases]})
    with view.open_box([*files, *ours]) as box:
        try:
            result = box.exec(shlex.join(["/usr/bin/python3", "-I", f"{folder}/run.py"]), timeout_s=TIMEOUT_S)
            got = _results(box.read(f"{folder}/results"), nonce)
            right = [n in got and _returned(got[n], case["expect"]) for n, case in enumerate(cases)]
            tests = _tests(params, box) if all(right) else ""
        except (BoxLimit, OSError) as error:
            return [False] * len(cases), f"the calls did not finish: {error or type(error).__name__}"
    if not got:
        tests = f"no call returned{' in time' if result.timed_out else ''}"
    if not result.timed_out and not (all(right) and tests):  # the tests, too, may have run out of time
        package.remember(run, (right, tests))
    return right, tests


def _tests(params: dict[str, Any], box: Any) -> str:
    if not params["tests"]:
        return ""
    result = box.exec(shlex.join(params["tests"]), workdir=params["workdir"], timeout_s=TIMEOUT_S)
    if result.status == 0 and not result.timed_out and not result.killed:
        return ""
    return f"the tests fail: {shown(result.output.strip()[-200:])}"


def _results(data: bytes, nonce: str) -> dict[int, Any]:
    """Results by number of the call."""
    results: dict[int, Any] = {}
    for line in package.reported(data[:RESULT_BYTES], nonce):
        number, _, value = line.partition(" ")
        try:
            results[int(number)] = parsing.json_of(value)
        except (Unreadable, ValueError):
            continue  # a result cut short, or NaN: equal to nothing that is expected
    return results


def _returned(got: Any, expected: Any) -> bool:
    """Equal as JSON; a number may come as text (a Decimal does), a time with a blank or seconds."""
    if isinstance(expected, list):
        return isinstance(got, list) and len(got) == len(expected) and all(map(_returned, got, expected))
    if isinstance(expected, dict):
        return isinstance(got, dict) and got.keys() == expected.keys() and all(_returned(got[k], v) for k, v in expected.items())
    if isinstance(got, str) and isinstance(expected, int | float) and not isinstance(expected, bool):
        read = reading.number(got)
        return read is not None and parsing.equal(expected, read)
    if isinstance(got, str) and isinstance(expected, str) and got != expected:
        moment = reading.moment(expected, iso=True)
        return moment is not None and reading.moment(got, iso=True) == moment
    return parsing.equal(expected, got)
