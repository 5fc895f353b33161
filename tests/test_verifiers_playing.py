"""Solutions played in a warm box leave what they do in a fresh one, whatever was played in it before."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import shutil
from collections.abc import Iterable, Iterator
from typing import Any

import making
import pytest

from sandbox.box import Box, Caps, open_box
from specs.records import SITE_URL, Change, File, Service, Step, file_of
from verifiers import playing
from verifiers.kept import kept
from verifiers.snapshot import OpenBox

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")


def python(script: str, **more: str) -> Step:
    return Step("exec", {"command": f"python3 - <<'EOF'\n{script}\nEOF", **more}, "")


def bash(command: str, **more: str) -> Step:
    return Step("exec", {"command": command, **more}, "")


LAST = python("open('last.txt', 'w').write('x')")


TASK = making.task({"in.csv": "n\n1\n2\n", "lib/json.py": "def loads(text):\n    return 'ours'\n"})
PLAIN = making.task({"in.csv": "n\n1\n2\n", "lib/seen.md": "nothing here has the name of a library's module\n"})


CLEAN = {
    "a file left open": [python("f = open('a.txt', 'w')\nprint('hello', file=f)")],
    "a function that opens, called late": [python("def main():\n    global f\n    f = open('a.txt', 'w')\n    f.write('é')\nif __name__ == '__main__':\n    main()")],
    "a module of the workspace": [Step("write", {"path": "helper.py", "content": "X = 3\n"}, ""), python("import helper\nopen('a.txt', 'w').write(str(helper.X))"),
        bash("cp helper.py other.py; echo 'import other' > b.py; python3 b.py"), 
        bash("echo 'import sys; sys.path.insert(0, \"\"); import other' > c.py"), bash("python3 -I -B c.py"), bash("python3 -I c.py")],
    "a database closed by nobody": [python("import sqlite3\ndb = sqlite3.connect('a.db')\ndb.execute('CREATE TABLE t (x)')\ndb.commit()")],
    "a workbook": [python("import openpyxl\nb = openpyxl.Workbook()\nb.active['A1'] = 3\nb.save('a.xlsx')\nimport os\nos.remove('a.xlsx')")],
    "a folder to work in": [python("import json\nopen('a.txt', 'w').write(str(json.loads('3')))", workdir="lib"), bash("ls > b.txt", workdir="lib")],
    "the module beside it": [python("import json, sys\nopen('a.txt', 'w').write(str(json.loads('3')) + str(sys.argv))", workdir="lib")],
    "nothing stays from one script to the next": [
        python("import os, sys\nos.environ['X'] = '1'\nos.chdir('/tmp')\nsys.path.insert(0, '/tmp')\nx = 3"),
        python("import os, sys\nopen('a.txt', 'w').write(f'{os.environ.get(\"X\")}{os.getcwd()}{\"x\" in globals()}{sys.path[0]}{sys.argv}')"),
        python("open('m.py', 'w').write('X = 1\\n')\nimport m\nprint(m.X)"),
        python("open('m.py', 'w').write('X = 23\\n')\nimport m\nopen('b.txt', 'w').write(str(m.X))"),
    ],
    "what is read and edited in between": [
        python("open('a.txt', 'w').write('one')"),
        Step("read", {"path": "a.txt"}, ""),
        python("open('b.txt', 'w').write(open('a.txt').read())"),
        Step("edit", {"path": "b.txt", "edits": [{"oldText": "one", "newText": "two"}]}, ""),
        python("open('a.txt', 'w').write(open('b.txt').read())"),
        Step("", {}, "Done."),
    ],
    "sys.exit without a status": [python("import sys\nopen('a.txt', 'w').write('x')\nsys.exit()")],
    "text that looks like the end": [bash("python3 - <<'EOF'\nopen('a.txt', 'w').write('x')\nEOF\npython3 - <<'EOF'\nopen('b.txt', 'w').write('x')\nEOF\n")],
    "a script and more": [bash("cd lib && python3 - <<'EOF'\nopen('a.txt', 'w').write('x')\nEOF\n")],
    "a script of its own": [Step("write", {"path": "s/tool.py", "content": "import os, helper\nopen('a.txt', 'w').write(helper.X + __file__ + os.getcwd())\n"}, ""),
        Step("write", {"path": "s/helper.py", "content": "X = 'x'\n"}, ""), bash("python3 s/tool.py")],
    "tests": [Step("write", {"path": "p/test_a.py", "content": "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        open('a.txt', 'w').close()\n"}, ""),
        bash("python3 -m unittest -q", workdir="p")],
    "sums by a pipe": [bash("tail -n +2 in.csv | sort -r > a.txt; test -s a.txt")],
}  # fmt: skip
UNCLEAN = {
    "sys.exit with one": [python("import sys\nsys.exit(3)")],
    "sys.exit with words": [python("import sys\nsys.exit('no')")],
    "an exception": [python("open('a.txt', 'w').write('x')\nraise ValueError")],
    "no such module": [python("import nothing_of_the_kind")],
    "no Python": [python("return 3 +")],
    "a return outside": [python("return 3")],
    "a script that kills itself": [python("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")],
    "tests that fail": [
        Step(
            "write",
            {"path": "test_a.py", "content": "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.fail()\n"},
            "",
        ),
        bash("python3 -m unittest -q"),
    ],
    "no such script": [bash("python3 missing.py")],
    "a command that fails": [bash("cat missing.txt > a.txt")],
    "no such folder": [bash("ls", workdir="nowhere")],
    "an edit that does not fit": [Step("edit", {"path": "in.csv", "edits": [{"oldText": "9", "newText": "8"}]}, "")],
    "no such file to read": [Step("read", {"path": "missing.txt"}, "")],
}


def told(played: tuple[bool, tuple[Change, ...]]) -> tuple[bool, list[Change]]:
    """As it was played, but for what Python compiled, which holds the time of its source."""
    clean, changes = played
    return clean, [dataclasses.replace(c, digest="", content=None) if c.path.endswith(".pyc") else c for c in changes]


@pytest.fixture(scope="module")
def again() -> Iterator[OpenBox]:
    """One warm box for all that is played here."""
    with kept(open_box) as warm:
        yield warm


@pytest.mark.parametrize("steps", [*CLEAN.values(), *UNCLEAN.values()], ids=[*CLEAN, *UNCLEAN])
def test_a_warm_box_is_left_as_a_fresh_one_is(steps: list[Step], again: OpenBox) -> None:
    for task in (TASK, PLAIN):
        assert told(playing.played(task, [*steps, LAST], again)) == told(playing.played(task, [*steps, LAST], open_box))


@pytest.mark.parametrize(
    ("steps", "clean"), [*((s, True) for s in CLEAN.values()), *((s, False) for s in UNCLEAN.values())], ids=[*CLEAN, *UNCLEAN]
)
def test_it_is_said_whether_each_step_ended_cleanly(steps: list[Step], clean: bool, again: OpenBox) -> None:
    for task in (TASK, PLAIN):
        said, changes = playing.played(task, [*steps, LAST], again)
        assert said is clean
        assert "last.txt" in {c.path for c in changes}  # what follows a step that failed is run


def test_nothing_is_left_for_the_next_task(again: OpenBox) -> None:
    leaving = python("import os\nos.makedirs('a/b')\nos.symlink('/usr', 'link')\nopen('/tmp/left', 'w').write('x')")
    behind = bash("(sleep 60 &) ; chmod 700 in.csv")
    looking = bash("ls -A . /tmp lib > seen.txt; pgrep sleep >> seen.txt; stat -c %a in.csv >> seen.txt")
    assert {c.path for c in playing.left(TASK, [leaving, behind], again)} == {"a", "a/b", "link", "in.csv"}
    (seen,) = playing.left(TASK, [looking], again)
    assert seen.content == b".:\nin.csv\nlib\nseen.txt\n\n/tmp:\n.forking\n\nlib:\njson.py\n644\n"


def test_what_has_run_in_a_python_of_the_same_box_is_as_if_it_had_not() -> None:
    """The code of one task in the forks of another's: modules of the same name don't meet."""
    opened: list[int] = []

    @contextlib.contextmanager
    def counting(files: Iterable[File], **more: Any) -> Iterator[Box]:
        opened.append(1)
        with open_box(files, **more) as box:
            yield box

    use = python("import sys\nsys.path.insert(0, 'pkg')\nimport m\nopen('a.txt', 'w').write(m.NAME)")
    with kept(counting) as warm:
        for name in ("one", "two", "three"):
            task = making.task({"pkg/m.py": f"NAME = '{name}'\n"})
            assert {c.content for c in playing.left(task, [use], warm) if c.path == "a.txt"} == {name.encode()}
    assert opened == [1]


def test_a_command_that_takes_too_long_ends_the_box_and_not_the_work(again: OpenBox) -> None:
    endless = Step("exec", {"command": "python3 - <<'EOF'\nwhile True:\n    pass\nEOF", "timeoutSeconds": 0.5}, "")
    clean, changes = playing.played(TASK, [endless, LAST], again)
    assert not clean and [c.path for c in changes] == ["last.txt"]
    assert playing.played(TASK, [LAST], again)[0]


def test_a_cap_that_strikes_is_said_and_the_next_task_is_played() -> None:
    eats = python("x = 'x' * (1 << 30)\nopen('a.txt', 'w').write(x[:1])")
    with kept(functools.partial(open_box, caps=Caps(memory_mb=192))) as warm:
        with warm(()) as box, open_box(()) as plain:
            assert box.exec("true").status == 0
            if not plain.bounded_by.startswith("cgroup"):
                pytest.skip("an rlimit tells nobody")
        with pytest.raises(playing.Capped, match="memory"):
            playing.left(TASK, [eats, LAST], warm)
        assert playing.played(TASK, [LAST], warm)[0]


def test_a_site_is_served_by_a_box_of_the_tasks_own(again: OpenBox) -> None:
    page = Service("site", (file_of("index.html", b"<p>3</p>"),))
    task = dataclasses.replace(TASK, services=(page,))
    fetch = python(f"import urllib.request\nopen('a.txt', 'wb').write(urllib.request.urlopen('{SITE_URL}').read())")
    assert [c.content for c in playing.left(task, [fetch], again)] == [b"<p>3</p>"]


def test_what_a_command_does_to_a_library_stays_for_no_other_command() -> None:
    patch, use = "python3 - <<'EOF'\nimport json\njson.loads = None\nEOF\n", "python3 - <<'EOF'\nimport json\njson.loads('3')\nEOF\n"
    with kept(open_box) as warm, warm(PLAIN.workspace) as box:
        assert [box.exec(command).status for command in (patch, use)] == [0, 0]


def test_a_file_that_is_altered_within_a_tick_is_given_anew(again: OpenBox) -> None:
    files = [file_of(f"f{n}.txt", b"1") for n in range(40)]
    for _ in range(5):
        with again(files) as box:
            assert box.exec("for f in f*.txt; do echo -n 2 > $f; done").status == 0
        with again(files) as box:
            assert box.snapshot() == ()
            assert {box.read(f.path) for f in files} == {b"1"}
