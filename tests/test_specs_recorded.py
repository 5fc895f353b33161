"""Recorded responses: the same bytes in whatever order they came, read back as they were, broken lines told by their place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs import digests, recorded
from specs.errors import UserError
from specs.recorded import Records, Response
from specs.replies import Reply

text = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
responses = st.builds(
    Response,
    st.sampled_from(["0a1b2c3d4e5f", "0a1b2c3d4e60", "ff00ff00ff00"]),
    st.integers().map(digests.digest),
    st.sampled_from(["rewrite", "name"]),
    text,
    st.builds(Reply, text, text, text, st.integers(0, 9), st.integers(0, 9)),
)


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


@given(st.lists(responses, max_size=12, unique_by=lambda r: (r.task, r.digest)), st.randoms())
def test_the_order_does_not_show_and_nothing_is_lost(tmp_path_factory: pytest.TempPathFactory, found: list[Response], rng: object) -> None:
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    recorded.write(found, one)
    shuffled = list(found)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    recorded.write(shuffled[: len(shuffled) // 2], other)
    assert recorded.write(shuffled, other) == len(found)
    assert files(one) == files(other)
    records = Records(one)
    assert [r for task in sorted({f.task for f in found}) for r in records.of(task).values()] == sorted(
        found, key=lambda r: (r.task, r.digest)
    )


def response(task: str, number: int) -> Response:
    return Response(task, digests.digest(number), "rewrite", "m", Reply("{}", "stop", "", 1, 1))


def test_only_these_can_be_left(tmp_path: Path) -> None:
    recorded.write([response("0a1b2c3d4e5f", 1), response("0a1b2c3d4e5f", 2), response("ff00ff00ff00", 3)], tmp_path)
    assert recorded.write([response("0a1b2c3d4e5f", 2)], tmp_path, only=True) == 1
    assert set(files(tmp_path)) == {"0a.jsonl"} and len(Records(tmp_path).of("0a1b2c3d4e5f")) == 1


def test_a_first_answer_stays(tmp_path: Path) -> None:
    first = response("0a1b2c3d4e5f", 1)
    recorded.write([first], tmp_path)
    recorded.write([Response(first.task, first.digest, "rewrite", "m", Reply("another", "stop", "", 1, 1))], tmp_path)
    assert Records(tmp_path).of(first.task)[first.digest] == first


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "",
        "[]",
        '"x"',
        json.dumps({"task": "0a1b2c3d4e5f"}),
        json.dumps({"task": "0a", "digest": "x", "kind": "rewrite", "model": "m", "reply": {}}),
        json.dumps(
            {
                "task": "0a1b2c3d4e5f",
                "digest": digests.digest(1),
                "kind": "rewrite",
                "model": "m",
                "reply": {"text": 5, "finish": "", "declined": "", "prompt_tokens": 1, "completion_tokens": 1},
            }
        ),
    ],
)
def test_a_broken_line_is_told_by_its_place(tmp_path: Path, line: str) -> None:
    recorded.write([response("0a1b2c3d4e5f", 1)], tmp_path)
    path = tmp_path / "0a.jsonl"
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(UserError) as caught:
        Records(tmp_path).of("0a1b2c3d4e5f")
    assert [(p.path, p.line) for p in caught.value.problems] == [(path.as_posix(), 2)]
