"""Shards: what is written is read, equal records give equal bytes, old shards go."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import datasets
import making
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specs import rows, shards
from specs.errors import UserError
from specs.records import Task

TASKS = [("bench" if n % 3 == 0 else "train", making.task({"a.csv": f"n\n{n}\n"}, identity=f"{n * 7919:012x}"[::-1])) for n in range(40)]


def content(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_what_is_written_is_read_in_order_of_split_and_id(tmp_path: Path) -> None:
    assert shards.write(tmp_path / "t", Task, TASKS) == 40
    order = sorted(TASKS, key=lambda t: (t[0], t[1].id))
    assert list(shards.read(tmp_path / "t", Task)) == [task for _, task in order]
    assert list(shards.read(tmp_path / "t", Task, split="bench")) == [task for split, task in order if split == "bench"]


@dataclass(frozen=True)
class Instructed:
    """Some of a task's fields, in another order."""

    outputs: tuple[str, ...]
    instruction: str
    id: str


def test_a_class_with_some_of_the_fields_reads_these(tmp_path: Path) -> None:
    shards.write(tmp_path / "t", Task, TASKS)
    wanted = [task.id for _, task in TASKS[::3]]
    found = list(shards.read(tmp_path / "t", Instructed, ids=wanted))
    assert found == [Instructed(t.outputs, t.instruction, t.id) for t in shards.read(tmp_path / "t", Task, ids=wanted)]


@given(st.lists(st.integers()), st.integers(1, 9))
def test_parts_are_the_whole_in_lists_of_a_size(items: list[int], size: int) -> None:
    found = list(shards.parts(iter(items), size))
    assert [i for part in found for i in part] == items
    assert all(len(part) == size for part in found[:-1]) and all(0 < len(part) <= size for part in found)


@given(st.randoms(use_true_random=False))
@settings(max_examples=8, deadline=None)
def test_the_bytes_do_not_depend_on_the_order(tmp_path_factory: pytest.TempPathFactory, rng: random.Random) -> None:
    root = tmp_path_factory.mktemp("shards")
    shards.write(root / "a", Task, TASKS)
    shuffled = list(TASKS)
    rng.shuffle(shuffled)
    shards.write(root / "b", Task, shuffled)
    assert content(root / "a") == content(root / "b") != {}


def test_one_record_changes_one_shard_only(tmp_path: Path) -> None:
    shards.write(tmp_path / "a", Task, TASKS)
    before = content(tmp_path / "a")
    shards.write(tmp_path / "a", Task, TASKS[:-1])
    after = content(tmp_path / "a")
    assert sum(before.get(p) != after.get(p) for p in before | after) == 1


def test_a_shard_is_named_by_split_and_prefix(tmp_path: Path) -> None:
    shards.write(tmp_path / "t", Task, TASKS)
    for path in content(tmp_path / "t"):
        split, name = path.split("/")
        found = [t.id for s, t in TASKS if s == split and t.id[0] == name.removesuffix(".parquet")]
        assert found, path


def test_what_was_there_before_is_gone(tmp_path: Path) -> None:
    shards.write(tmp_path / "t", Task, TASKS)
    shards.write(tmp_path / "t", Task, [])
    assert list(shards.read(tmp_path / "t", Task)) == []


def test_a_doubled_id_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    shards.write(tmp_path / "t", Task, TASKS)
    before = content(tmp_path / "t")
    with pytest.raises(ValueError, match="occurs twice"):
        shards.write(tmp_path / "t", Task, [TASKS[0], TASKS[0]])
    assert content(tmp_path / "t") == before


def test_only_the_ids_asked_for(tmp_path: Path) -> None:
    shards.write(tmp_path / "t", Task, TASKS)
    wanted = {TASKS[3][1].id, TASKS[11][1].id, "none"}
    assert {t.id for t in shards.read(tmp_path / "t", Task, ids=wanted)} == wanted - {"none"}
    assert shards.find(tmp_path / "t", Task, TASKS[3][1].id) == TASKS[3][1]
    assert shards.find(tmp_path / "t", Task, "none") is None


def test_a_stage_that_has_not_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run the stage"):
        list(shards.read(tmp_path / "none", Task))


def test_the_datasets_library_reads_them(tmp_path: Path) -> None:
    shards.write(tmp_path / "t", Task, TASKS)
    files = [str(p) for p in sorted((tmp_path / "t" / "train").glob("*.parquet"))]
    loaded = datasets.Dataset.from_parquet(files, cache_dir=str(tmp_path / "cache"))
    assert sorted(loaded["id"]) == sorted(t.id for split, t in TASKS if split == "train")


def test_a_writer_gives_the_same_bytes_whatever_the_size_of_a_shard(tmp_path: Path) -> None:
    """More records than a row group holds, in one shard; the next record starts another."""
    many = [making.task({"a.csv": f"n\n{n}\n"}, identity=f"a{n:011x}") for n in range(shards.ROWS * 2 + 3)]
    shards.write(tmp_path / "a", Task, [("train", t) for t in reversed(many)] + [("train", making.task({}, identity="b0"))])
    with shards.Writer(tmp_path / "b", Task) as writer:
        for task in (*many, making.task({}, identity="b0")):
            writer.add("train", rows.to_row(task))
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert [t.id for t in shards.read(tmp_path / "b", Task)] == [*(t.id for t in many), "b0"]


def test_a_writer_takes_records_in_order_only(tmp_path: Path) -> None:
    with shards.Writer(tmp_path / "t", Task) as writer:
        writer.add("bench", rows.to_row(making.task({}, identity="c0")))
        for late in ("c0", "b0"):
            with pytest.raises(ValueError, match="comes after"):
                writer.add("bench", rows.to_row(making.task({}, identity=late)))
        writer.add("train", rows.to_row(making.task({}, identity="a0")))
    assert [t.id for t in shards.read(tmp_path / "t", Task)] == ["c0", "a0"]
