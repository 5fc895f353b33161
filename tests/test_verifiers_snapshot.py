"""The snapshot: what is there, what isn't, and what is not to be read."""

from __future__ import annotations

from pathlib import Path

import checking
import making
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specs.records import Change, change_of, deletion
from verifiers.snapshot import READ_BYTES, Missing, Refused, changes_of, inside, view_of

TASK = making.task({"a.txt": "one", "d/b.txt": "two", "d/c.txt": "three"})


def test_given_files_and_changes_are_read() -> None:
    view = checking.view({"a.txt": "one", "b.txt": "two"}, {"b.txt": "new", "c/d.txt": "more", "a.txt": None})
    assert view.read("b.txt") == b"new"
    assert view.read("c/d.txt") == b"more"
    assert view.files() == ("b.txt", "c/d.txt")
    assert view.files("c") == ("c/d.txt",)
    assert view.original().read("b.txt") == b"two"
    with pytest.raises(Missing):
        view.read("a.txt")


def test_touched_is_by_content() -> None:
    view = view_of(TASK, [change_of("a.txt", b"one", 0o600), change_of("d/b.txt", b"2"), deletion("d/c.txt")])
    assert [view.touched(p) for p in ("a.txt", "d/b.txt", "d/c.txt", "no.txt")] == [False, True, True, False]


@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        (Change("out", "symlink", 0o777, 5, "", b"a.txt"), "out", "symlink"),
        (Change("d", "symlink", 0o777, 4, "", b"/etc"), "d/passwd", "symlink"),
        (Change("d", "symlink", 0o777, 4, "", b"/etc"), "d/b.txt", "symlink"),
        (Change("out", "directory", 0o755, 0, "", None), "out", "folder"),
        (Change("out/in.csv", "file", 0o644, 1, "", b"x"), "out", "folder"),
        (Change("out", "other", 0o644, 0, "", None), "out", "special"),
        (Change("out", "file", 0o644, 50_000_000, "ab", None), "out", "too large"),
        (change_of("out", bytes(READ_BYTES + 1)), "out", "too large"),
    ],
)
def test_what_is_no_plain_small_file_is_refused(change: Change, path: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        view_of(TASK, [change]).read(path)


def test_inside() -> None:
    assert inside("a/b", "a")
    assert inside("a/b", "a/")
    assert inside("a", "")
    assert not inside("ab/c", "a")


def test_a_folder_on_disk_becomes_changes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/b.txt").write_text("changed")
    (tmp_path / "new").mkdir()
    (tmp_path / "new/x.csv").write_text("x")
    (tmp_path / "link").symlink_to("/etc/passwd")
    found = {c.path: c for c in changes_of(TASK, tmp_path)}
    assert {p: found[p].type for p in ("d/b.txt", "d/c.txt", "new/x.csv", "link")} == {
        "d/b.txt": "file",
        "d/c.txt": "deleted",
        "new/x.csv": "file",
        "link": "symlink",
    }
    assert found["link"].content == b"/etc/passwd"
    view = view_of(TASK, found.values())
    assert view.read("new/x.csv") == b"x"
    assert not view.touched("a.txt")


NAMES = st.sampled_from(["a.txt", "d/b.txt", "d/c.txt", "e/f.txt", "g"])


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NAMES, st.binary(max_size=5)))
def test_workspace_and_changes_are_the_folder(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    folder = tmp_path_factory.mktemp("ws")
    for path, content in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
    view = view_of(TASK, changes_of(TASK, folder))
    assert {p: view.read(p) for p in view.files()} == files
