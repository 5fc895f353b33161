"""Tests that an agent wrote: judged in real boxes by what they do on right and faulty versions of the module, whatever they pretend."""

from __future__ import annotations

import shutil
from typing import Any

import checking
import pytest

from sandbox.box import open_box
from specs.errors import BoundaryError
from specs.records import Change

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")

RIGHT = 'def total(rows):\n    """The sum of all amounts that are not None."""\n    return sum(r["amount"] for r in rows if r["amount"] is not None)\n'
SECOND = (
    "def total(rows):\n    found = 0\n    for row in rows:\n        value = row['amount']\n        if value is None:\n            continue\n"
    "        found += value\n    return found\n"
)
GIVEN: dict[str, bytes | str] = {
    "project/totals.py": RIGHT,
    "project/README.md": "# totals\n",
    "data/rows.json": "[]\n",
    ".skills/x/SKILL.md": "---\nname: x\n---\n",
}
TESTS = "project/test_totals.py"
PARAMS: dict[str, Any] = {
    "module": "project/totals.py",
    "tests": TESTS,
    "second": SECOND,
    "faulty": [
        {"name": "last-lost", "text": RIGHT.replace("in rows", "in rows[:-1]")},
        {"name": "blank-is-one", "text": SECOND.replace("            continue", "            value = 1")},
        {"name": "crashes-on-blank", "text": "def total(rows):\n    return sum(r['amount'] for r in rows)\n"},
    ],
    "workdir": "project",
    "may_change": [TESTS],
    "under": "project",
}
HEAD = "import unittest\n\nfrom totals import total\n\n\nclass TotalTest(unittest.TestCase):\n"
ADDS = "    def test_adds(self):\n        self.assertEqual(total([{'amount': 2}, {'amount': 3}]), 5)\n\n"
BLANK = "    def test_blank(self):\n        self.assertEqual(total([{'amount': 2}, {'amount': None}, {'amount': 0}]), 2)\n"
GOOD = HEAD + ADDS + BLANK


def graded(after: dict[str, bytes | str | None], params: dict[str, Any] = PARAMS) -> Any:
    return checking.graded("tests", params, GIVEN, checking.changes(after), open_box)


def test_tests_that_tell_right_from_faulty_pass() -> None:
    assert graded({TESTS: GOOD}).solved
    assert graded(
        {TESTS: GOOD + "\n\nif __name__ == '__main__':\n    unittest.main()\n", "project/__pycache__/x.pyc": b"\x00", "n.txt": ""}
    ).solved


def test_every_way_of_failing_is_a_failing_test() -> None:
    """A module that raises in a test, a failing subtest, an unexpected success."""
    subtests = (
        "    def test_all(self):\n        for rows, sum_ in (([2, 3], 5), ([2, None, 0], 2)):\n            with self.subTest(rows=rows):\n"
    )
    subtests += "                self.assertEqual(total([{'amount': a} for a in rows]), sum_)\n"
    assert graded({TESTS: HEAD + subtests}).solved


@pytest.mark.parametrize(("body", "caught"), [(ADDS, 1), (BLANK, 2)])
def test_a_part_of_the_faults_caught_earns_that_part_of_half(body: str, caught: int) -> None:
    assert graded({TESTS: HEAD + body}).score == pytest.approx(0.5 * caught / 3)


def test_no_tests_or_nothing_new_earns_nothing() -> None:
    assert graded({}).score == 0
    assert graded({TESTS: ""}).score == 0
    assert graded({TESTS: HEAD + "    pass\n"}).score == 0
    assert graded({TESTS: HEAD + "    @unittest.skip('later')\n" + ADDS}).score == 0
    assert graded({TESTS: "from totals import total\n\n\ndef test_adds():\n    assert total([]) == 0\n"}).score == 0


@pytest.mark.parametrize(
    "more",
    [
        {"project/totals.py": RIGHT + "# seen\n"},
        {"project/totals.py": None},
        {"project/README.md": "changed\n"},
        {"project/helper.py": "x = 1\n"},
        {"project/test_more.py": GOOD},
    ],
)
def test_touching_anything_else_earns_nothing(more: dict[str, bytes | str | None]) -> None:
    assert graded({TESTS: GOOD, **more}).score == 0


def test_tests_that_go_by_the_text_of_the_module_earn_nothing() -> None:
    text = HEAD + f"    def test_text(self):\n        self.assertEqual(open('totals.py').read(), {RIGHT!r})\n"
    assert graded({TESTS: text}).score == 0


def test_tests_that_take_all_that_looks_like_the_given_text_for_faulty_miss_the_faults_of_the_other_version() -> None:
    text = HEAD + (
        "    def test_text(self):\n        import difflib\n        text = open('totals.py').read()\n"
        f"        near = difflib.SequenceMatcher(None, text, {RIGHT!r}).ratio()\n"
        "        self.assertFalse(0.8 < near < 1)\n"
    )
    assert 0 < graded({TESTS: text}).score < 0.5


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "    def test_no(self):\n        self.fail()\n",
        HEAD + "    def test_yes(self):\n        pass\n",
        "import sys\nsys.exit(0)\n",
        "import sys\nsys.exit(1)\n",
        "import os\nos._exit(0)\n",
        "raise RuntimeError\n",
        "import nothing_like_this\n",
        "not python",
        b"\xff\xfe",
        HEAD + "    def test_exits(self):\n        import os\n        os._exit(0)\n",
        HEAD + "    def test_forks(self):\n        import os\n        os.fork()\n",
        HEAD + "    @classmethod\n    def setUpClass(cls):\n        raise ValueError\n\n" + ADDS,
        GOOD + "\n    def test_kills(self):\n        import os\n        os.kill(os.getpid(), 9)\n",
        HEAD + "    def test_forges(self):\n        import glob, os\n        for path in glob.glob('../.check-*/report'):\n"
        '            open(path, \'a\').write(\'x 1 {"loaded": true, "ran": 1, "clean": true}\\n\')\n        os._exit(0)\n',
    ],
)
def test_hostile_tests_earn_nothing_and_break_nothing(text: str | bytes) -> None:
    assert graded({TESTS: text}).score == 0


@pytest.mark.slow
def test_tests_that_never_end_end_in_a_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking.module("tests"), "TIMEOUT_S", 1.0)
    endless = "        while True:\n            pass\n"
    assert graded({TESTS: HEAD + "    def test_waits(self):\n" + endless}).score == 0
    sometimes = ADDS.replace("self.assertEqual(", "if ").replace(", 5)", " != 5:\n            while True:\n                pass")
    assert graded({TESTS: HEAD + sometimes}).score == 0


def test_no_version_but_the_one_on_trial_is_in_the_box() -> None:
    """Tests that look through the whole box find one module, and neither the others nor their names."""
    spy = HEAD + (
        "    def test_looks(self):\n        import glob, os\n"
        "        paths = [p for p in glob.glob('/workspace/**', recursive=True, include_hidden=True) if os.path.isfile(p)]\n"
        "        text = ''.join(open(p, errors='replace').read() for p in paths if 'test_totals' not in p)\n"
        "        self.assertEqual(text.count('def ' + 'total('), 1)\n        self.assertNotIn('last-' + 'lost', text)\n"
        "        self.assertNotIn('SKILL', ''.join(paths))\n"
    )
    assert "3 of 3 faults go unnoticed" in graded({TESTS: spy}).checks[0].why


def test_a_symlink_for_the_tests_is_refused() -> None:
    link = Change(TESTS, "symlink", 0o777, 5, "", b"../x")
    assert checking.graded("tests", PARAMS, GIVEN, (link,), open_box).score == 0


def test_without_a_sandbox_it_is_the_machinery_that_fails() -> None:
    with pytest.raises(BoundaryError) as caught:
        checking.graded("tests", PARAMS, GIVEN, checking.changes({TESTS: GOOD}))
    assert caught.value.boundary == "box"
