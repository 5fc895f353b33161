"""Verdicts are a function of the outcome: twice, in another order, under another hash seed, locale and zone, they are the same bytes."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz_making import RIGHTS

from specs import rows
from specs.records import change_of
from verifiers.apart import Graders
from verifiers.grade import Graded, grade, grade_apart

ROOT = Path(__file__).parent.parent
WORLDS = [
    {},
    {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Kathmandu"},
    {"PYTHONHASHSEED": "2", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "America/St_Johns", "PYTHONUTF8": "1"},
]
SCRIPT = "import sys, test_verifiers_same as t; sys.stdout.buffer.write(t.verdicts(sys.argv[1] == 'back'))"


def outcomes() -> list[tuple[int, bytes]]:
    """Right and wrong answers, by the number of what they answer: cut, doubled, with an odd word, in another encoding, another's."""
    found = []
    for (n, one), (_, other) in itertools.pairwise([*enumerate(RIGHTS), (0, RIGHTS[0])]):
        data = one.content
        lines = data.splitlines(keepends=True)
        spoiled = [
            data,
            data[: len(data) // 2],
            data * 2,
            b"".join(reversed(lines)),
            b"".join(lines[:-1]),
            data + b"I: \xc4\xb0\n",
            other.content,
        ]
        found += [(n, d) for d in [*spoiled, data.decode("utf-8", "replace").encode("utf-16"), data.swapcase()]]
    return found


def told(found: list[tuple[int, bytes, Graded]]) -> bytes:
    return json.dumps([[n, data.hex(), rows.to_row(graded)] for n, data, graded in sorted(found, key=lambda f: f[:2])]).encode()


def verdicts(backwards: bool) -> bytes:
    """All verdicts, made in one order or the other, as bytes in one order."""
    todo = outcomes()[::-1] if backwards else outcomes()
    return told([(n, data, grade(RIGHTS[n].task, RIGHTS[n].verifier, RIGHTS[n].left(data))) for n, data in todo])


@pytest.fixture(scope="module")
def first() -> bytes:
    return verdicts(False)


def test_they_are_the_same_the_second_time_and_backwards(first: bytes) -> None:
    assert {s["score"] for _, _, s in json.loads(first)} >= {0.0, 1.0}
    assert verdicts(False) == first
    assert verdicts(True) == first


@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_they_are_the_same_in_another_world(first: bytes, world: dict[str, str]) -> None:
    env = (
        {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LC_", "LANG"))}
        | world
        | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    )
    done = subprocess.run([sys.executable, "-B", "-c", SCRIPT, "back"], env=env, capture_output=True, check=False)
    assert done.stdout == first, done.stderr.decode()[-500:]


def test_they_are_the_same_apart_whoever_grades(first: bytes) -> None:
    with Graders(2, sandbox=None) as graders:
        made = [(n, d, grade_apart(graders, RIGHTS[n].task, RIGHTS[n].verifier, RIGHTS[n].left(d))) for n, d in outcomes()[::-1]]
    assert told(made) == first


def test_the_order_of_the_changes_is_of_no_account() -> None:
    for one in RIGHTS:
        left = [*one.left(one.content), change_of("a/b/c", b"x"), change_of("a/b", b"y"), change_of("z", b"")]
        assert grade(one.task, one.verifier, left) == grade(one.task, one.verifier, left[::-1])
