"""Files moved: each at its place with its content, none left behind, nothing besides."""

from __future__ import annotations

from typing import Any

import checking
import pytest

from specs import digests
from specs.records import Change

GIVEN: dict[str, bytes | str] = {"inbox/1.txt": "one", "inbox/2.txt": "two", "inbox/kept.txt": "three", "notes.md": "n"}
PARAMS: dict[str, Any] = {
    "expect": [
        {"path": p, "digest": digests.of_bytes(c)}
        for p, c in (("inbox/a/1.txt", b"one"), ("inbox/b/2.txt", b"two"), ("inbox/kept.txt", b"three"))
    ],
    "gone": ["inbox/1.txt", "inbox/2.txt"],
    "under": "inbox",
    "only": True,
}
DONE: dict[str, bytes | str | None] = {"inbox/1.txt": None, "inbox/2.txt": None, "inbox/a/1.txt": "one", "inbox/b/2.txt": "two"}


@pytest.mark.parametrize(
    ("after", "passes"),
    [
        (DONE, True),
        (DONE | {"moved.txt": "elsewhere"}, True),
        (DONE | {"notes.md": "changed elsewhere"}, True),
        ({k: v for k, v in DONE.items() if v is not None}, False),  # copied
        (DONE | {"inbox/1.txt": "one"}, False),
        (DONE | {"inbox/a/1.txt": "one\n"}, False),
        (DONE | {"inbox/a/1.txt": None}, False),
        (DONE | {"inbox/c/1.txt": "one"}, False),
        (DONE | {"inbox/kept.txt": "other"}, False),
        (DONE | {"inbox/kept.txt": None}, False),
        ({"inbox/1.txt": None, "inbox/a/1.txt": "one"}, False),  # one left
        (dict.fromkeys(GIVEN), False),
    ],
)
def test_places(after: dict[str, bytes | str | None], passes: bool) -> None:
    got = checking.check("files", PARAMS, GIVEN, after)
    assert got == 1 if passes else got <= 0.5


def test_extra_files_pass_unless_forbidden() -> None:
    assert checking.check("files", PARAMS | {"only": False}, GIVEN, DONE | {"inbox/index.txt": "list"}) == 1


def test_doing_nothing_earns_nothing_though_a_file_may_stay() -> None:
    assert checking.check("files", PARAMS, GIVEN, {}) == 0


@pytest.mark.parametrize("content", ["", "junk", None])
def test_files_that_are_gone_and_have_come_nowhere_earn_nothing(content: str | None) -> None:
    assert checking.check("files", PARAMS, GIVEN, DONE | {"inbox/a/1.txt": content, "inbox/b/2.txt": content}) == 0


def test_half_done_earns_less_than_half() -> None:
    assert 0 < checking.check("files", PARAMS, GIVEN, {"inbox/1.txt": None, "inbox/a/1.txt": "one"}) <= 0.25


def test_a_symlink_in_the_place_is_no_file() -> None:
    link = Change("inbox/a/1.txt", "symlink", 0o777, 8, digests.of_bytes(b"one"), b"one")
    after = (*checking.changes({k: v for k, v in DONE.items() if k != "inbox/a/1.txt"}), link)
    assert checking.graded("files", PARAMS, GIVEN, after).score <= 0.5


def test_empty_folders_are_let_be() -> None:
    after = (*checking.changes(DONE), Change("inbox/empty", "directory", 0o755, 0, "", None))
    assert checking.graded("files", PARAMS, GIVEN, after).solved
