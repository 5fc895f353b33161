"""Folders laid out to trick whoever reads them: each is graded, within bounds, and nothing outside is read, opened or waited for."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import making
import pytest

from sandbox.box import BoxLimit
from specs import digests
from specs.records import Protected
from verifiers.apart import Graders
from verifiers.grade import Graded, grade_apart
from verifiers.snapshot import changes_of

GIVEN = b"a\n1\n2\n"
TASK = making.task({"in.csv": GIVEN, "box/x": "x"})
FILES = {"expect": [{"path": "box/x", "digest": digests.of_bytes(b"x")}], "gone": ["box/y"], "under": "box", "only": True}
VERIFIER = making.verifier([{"kind": "table", "params": making.TWO_ROWS}, {"kind": "files", "params": FILES, "weight": 0}])
GUARDED = making.verifier([{"kind": "table", "params": making.TWO_ROWS}], protected=[Protected("in.csv", digests.of_bytes(GIVEN))])


@pytest.fixture(scope="module")
def graders() -> Iterator[Graders]:
    with Graders(1, sandbox=None) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The workspace as it was given, beside a right answer that is not in it."""
    (tmp_path / "outside.csv").write_bytes(GIVEN)
    ws = tmp_path / "ws"
    (ws / "box").mkdir(parents=True)
    (ws / "in.csv").write_bytes(GIVEN)
    (ws / "box/x").write_text("x")
    return ws


def socket_at(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        before = Path.cwd()
        os.chdir(path.parent)
        made.bind(path.name)
        os.chdir(before)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.write(GIVEN)
        file.truncate(1 << 30)


def deep(path: Path) -> None:
    here = os.open(path.parent, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


ANSWERS: dict[str, Callable[[Path], object]] = {
    "a link to an input": lambda p: p.symlink_to("in.csv"),
    "a link outside": lambda p: p.symlink_to("../outside.csv"),
    "a link to everything": lambda p: p.symlink_to("/"),
    "a link to itself": lambda p: p.symlink_to("out.csv"),
    "a link to a process": lambda p: p.symlink_to("/proc/self/fd/0"),
    "a fifo": os.mkfifo,
    "a socket": socket_at,
    "a folder": Path.mkdir,
    "a gigabyte": sparse,
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_no_file_of_its_own_scores_nothing(graders: Graders, folder: Path, name: str) -> None:
    ANSWERS[name](folder / "out.csv")
    graded = left(graders, folder)
    assert graded.score == 0
    assert "out.csv" in graded.checks[0].why


def left(graders: Graders, folder: Path) -> Graded:
    return grade_apart(graders, TASK, VERIFIER, changes_of(TASK, folder))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make a device")
def test_a_device_scores_nothing_and_is_not_opened(graders: Graders, folder: Path) -> None:
    os.mknod(folder / "out.csv", 0o020666, os.makedev(1, 5))  # /dev/zero has no end
    assert left(graders, folder).score == 0


@pytest.mark.parametrize("name", ANSWERS)
def test_beside_a_right_answer_they_are_let_be(graders: Graders, folder: Path, name: str) -> None:
    (folder / "out.csv").write_bytes(GIVEN)
    (folder / "else").mkdir()
    ANSWERS[name](folder / "else/out.csv")
    assert left(graders, folder).solved


@pytest.mark.parametrize("name", ANSWERS)
def test_an_input_that_was_to_be_left_alone_and_became_one_costs_all(graders: Graders, folder: Path, name: str) -> None:
    (folder / "out.csv").write_bytes(GIVEN)
    assert grade_apart(graders, TASK, GUARDED, changes_of(TASK, folder)).solved
    (folder / "in.csv").unlink()
    ANSWERS[name](folder / "in.csv")
    graded = grade_apart(graders, TASK, GUARDED, changes_of(TASK, folder))
    assert graded.score == 0


def test_a_hard_link_is_the_file_that_it_is(graders: Graders, folder: Path) -> None:
    """Its bytes count like any; writing through it changes the other name as well, which is seen."""
    os.link(folder / "in.csv", folder / "out.csv")
    assert left(graders, folder).solved
    with (folder / "out.csv").open("ab") as file:
        file.write(b"3\n")
    graded = grade_apart(graders, TASK, GUARDED, changes_of(TASK, folder))
    assert graded.score == 0


def test_ten_thousand_files_and_deep_folders_are_read_to_their_bound(graders: Graders, folder: Path) -> None:
    (folder / "out.csv").write_bytes(GIVEN)
    (folder / "many").mkdir()
    for n in range(10_000):
        (folder / f"many/{n}").touch()
    deep(folder / "d")
    assert left(graders, folder).solved
    for n in range(12_000):
        (folder / f"many/more-{n}").touch()
    with pytest.raises(BoxLimit, match="more files"):
        changes_of(TASK, folder)


def test_odd_names_are_said_and_not_followed(graders: Graders, folder: Path) -> None:
    (folder / "out.csv").write_bytes(GIVEN)
    for name in (b"\xff\xfe", b"new\nline", b" ", b"-rf", "\u202e".encode(), b"x" * 255, b"..."):
        Path(os.fsdecode(os.fsencode(folder / "box") + b"/" + name)).write_bytes(b"1")
    graded = left(graders, folder)
    assert graded.score == 0
    assert "nobody asked for it" in graded.checks[1].why
