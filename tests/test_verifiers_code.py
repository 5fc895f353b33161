"""Code: judged by calls that the agent never saw, in a real box; what the module prints or fakes earns nothing."""

from __future__ import annotations

import shutil
from typing import Any

import checking
import pytest

from sandbox.box import open_box
from specs.errors import BoundaryError
from specs.records import Change

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")

FAULTY = "from .units import cents\n\n\ndef total(rows):\n    return sum(cents(r['amount']) for r in rows[1:])\n"
RIGHT = FAULTY.replace("rows[1:]", "rows")
TEST = (
    "import unittest\nfrom ledger.totals import total\n\n\nclass Totals(unittest.TestCase):\n"
    "    def test_total(self):\n        self.assertEqual(total([{'amount': 2}, {'amount': 3}]), 500)\n"
)
GIVEN: dict[str, bytes | str] = {
    "project/ledger/__init__.py": "",
    "project/ledger/units.py": "def cents(amount):\n    return round(amount * 100)\n",
    "project/ledger/totals.py": FAULTY,
    "project/test_totals.py": TEST,
    ".skills/x/SKILL.md": "---\nname: x\n---\n",
}
MODULE = "project/ledger/totals.py"


def rows(*amounts: float) -> list[list[dict[str, float]]]:
    return [[{"amount": a} for a in amounts]]


PARAMS: dict[str, Any] = {
    "module": MODULE,
    "function": "total",
    "cases": [
        {"args": rows(1, 2), "expect": 300},
        {"args": rows(0, 2), "expect": 200},
        {"args": rows(5.25), "expect": 525},
        {"args": rows(), "expect": 0},
    ],
    "tests": ["python3", "-m", "unittest", "-q"],
    "workdir": "project",
    "may_change": [MODULE],
    "under": "project",
}


def graded(after: dict[str, bytes | str | None], params: dict[str, Any] = PARAMS, given: dict[str, bytes | str] = GIVEN) -> Any:
    return checking.graded("code", params, given, checking.changes(after), open_box)


def test_the_mended_module_passes() -> None:
    assert graded({MODULE: RIGHT}).solved
    assert graded({MODULE: RIGHT + "\n# checked\n", "project/ledger/__pycache__/totals.cpython-311.pyc": b"\x00", "notes.txt": "n"}).solved


def test_leaving_it_or_only_touching_it_earns_nothing() -> None:
    assert graded({}).score == 0
    assert graded({MODULE: FAULTY + "\n# seen\n"}).score == 0


def test_a_part_mended_earns_a_part_of_half_and_breaking_costs() -> None:
    fitted = FAULTY.replace("    return", "    if len(rows) == 2:\n        return sum(cents(r['amount']) for r in rows)\n    return")
    assert 0 < graded({MODULE: fitted}).score < 0.5
    assert graded({MODULE: "def total(rows):\n    return 300\n"}).score < graded({MODULE: fitted}).score


@pytest.mark.parametrize(
    "after",
    [
        {MODULE: RIGHT, "project/test_totals.py": "import unittest\n"},
        {MODULE: RIGHT, "project/test_totals.py": None},
        {MODULE: RIGHT, "project/ledger/units.py": "def cents(a):\n    return 1\n"},
        {MODULE: RIGHT, "project/json.py": "x = 1\n"},
        {MODULE: None},
        {MODULE: None, "project/ledger/sums.py": RIGHT},
    ],
)
def test_touching_anything_else_earns_nothing(after: dict[str, bytes | str | None]) -> None:
    assert graded(after).score == 0


@pytest.mark.parametrize(
    "module",
    [
        "import sys\nprint('0 300\\n1 200\\n2 525\\n3 0')\nsys.exit(0)\n",
        "import os\nos._exit(0)\n",
        "def total(rows):\n    raise ValueError\n",
        "def total(rows):\n    return float('nan')\n",
        "class Any:\n    def __eq__(self, other):\n        return True\n\n\ndef total(rows):\n    return Any()\n",
        "def total(rows):\n    return [300] * 3000000\n",
        "def total(rows):\n    return '9' * 5000\n",
        "not python",
        "total = 3\n",
        "",
        b"\xff\xfe",
    ],
)
def test_fakes_and_crashes_earn_nothing_and_break_nothing(module: str | bytes) -> None:
    assert graded({MODULE: module}).score == 0


def test_expectations_never_enter_the_box() -> None:
    """A module that looks through the box, its own process and the caller's frames for the answers finds the arguments only."""
    spy = (
        "import glob, os, sys\n\n\ndef total(rows):\n"
        "    seen = [open(p, errors='replace').read() for p in glob.glob('/workspace/**', recursive=True, include_hidden=True) if os.path.isfile(p)]\n"
        "    frame, known = sys._getframe(), []\n"
        "    while frame:\n        known.append(repr(frame.f_locals))\n        frame = frame.f_back\n"
        "    return 1 if str(987650 + 4) in ''.join(seen + known) + open('/proc/self/environ').read() else 0\n"
    )
    params = PARAMS | {"cases": [{"args": rows(9876.54), "expect": 987654}, {"args": rows(), "expect": 0}], "tests": None}
    got = graded({MODULE: spy}, params)
    assert "1 of 2" in got.checks[0].why


def test_prints_do_not_disturb_the_results() -> None:
    noisy = "import os, sys\nprint('x' * 100000)\n" + RIGHT.replace("    return", "    print(rows)\n    os.write(2, b'e')\n    return")
    assert graded({MODULE: noisy}).solved


@pytest.mark.slow
def test_a_call_that_hangs_ends_in_a_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking.module("code"), "TIMEOUT_S", 2.0)
    assert graded({MODULE: "def total(rows):\n    while True:\n        pass\n"}).score == 0


@pytest.mark.slow
def test_a_module_that_eats_memory_ends_in_a_score() -> None:
    assert graded({MODULE: "def total(rows):\n    return len(bytearray(10**10)) + len('x' * 10**10)\n"}).score == 0


def test_failing_tests_fail_though_the_calls_are_right() -> None:
    given = GIVEN | {"project/test_totals.py": TEST.replace("500", "501")}
    assert graded({MODULE: RIGHT}, PARAMS, given).score <= 0.5
    assert graded({MODULE: RIGHT}, PARAMS | {"tests": None}, given).solved


def test_a_module_without_a_package_and_values_of_many_kinds() -> None:
    given: dict[str, bytes | str] = {"tool.py": "def f(x):\n    return None\n"}
    right = (
        "from datetime import date, datetime\nfrom decimal import Decimal\n\n\ndef f(x):\n"
        "    return {'n': Decimal('12.50'), 'f': 0.1 + 0.2, 'd': date(2026, 3, 9), 't': datetime(2026, 3, 9, 14, 5), 'l': (1, 'a', None, True), 'x': x}\n"
    )
    expect = {"n": 12.5, "f": 0.3, "d": "2026-03-09", "t": "2026-03-09T14:05", "l": [1, "a", None, True], "x": {"k": [1.5]}}
    params = {
        "module": "tool.py",
        "function": "f",
        "cases": [{"args": [{"k": [1.5]}], "expect": expect}],
        "tests": None,
        "workdir": "",
        "may_change": ["tool.py"],
        "under": "",
    }
    assert graded({"tool.py": right}, params, given).solved
    for old, new in (("'12.50'", "'12.51'"), ("True", "1"), ("(1, 'a'", "('a', 1"), ("0.2,", "0.3,"), ("14, 5", "14, 6"), (", 'x': x", "")):
        assert graded({"tool.py": right.replace(old, new)}, params, given).score == 0, old


def test_a_symlink_for_the_module_is_refused() -> None:
    link = Change(MODULE, "symlink", 0o777, 5, "", b"../x")
    assert checking.graded("code", PARAMS, GIVEN, (link,), open_box).score == 0


def test_without_a_sandbox_it_is_the_machinery_that_fails() -> None:
    with pytest.raises(BoundaryError) as caught:
        checking.graded("code", PARAMS, GIVEN, checking.changes({MODULE: RIGHT}))
    assert caught.value.boundary == "box"
