"""Stages that go over an agent's rollouts hold few of them at a time, and come to the same in parts."""

from __future__ import annotations

import dataclasses
import functools
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import bench_making
import endpoint_making
import judge_making as letters
import making
import pytest
import train_making

from sandbox.box import Sandbox
from specs import layout, rows, shards, tokens
from specs.records import Rollout, Task, Verdict, Verifier, change_of
from specs.store import Store
from train import sequences
from verifiers import grade, judge

MB = 1 << 20
RIGHT = change_of("out.csv", b"a\n1\n2\n")
ROLLOUTS, VERDICTS = Path("rollouts"), Path("verdicts")


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.chdir(tmp_path)
    kept = Store(Path("store.sqlite"))
    yield kept
    kept.close()


def rollout(of: Task, number: int, chars: int = 0) -> Rollout:
    """One whose conversation has so many characters."""
    told = [{"role": "user", "content": f"{number}" + "x" * chars}]
    return dataclasses.replace(letters.rollout(of, RIGHT, identity=f"{number:02x}"), messages=told)


def dataset(count: int) -> list[Task]:
    """Tasks, and a verifier of each, in shards of both splits."""
    tasks = [making.task({"in.csv": f"a\n{n}\n"}, identity=f"{n * 7919:012x}"[::-1]) for n in range(count)]
    split = {task.id: "bench" if n % 3 == 0 else "train" for n, task in enumerate(tasks)}
    shards.write(layout.TASKS, Task, [(split[t.id], t) for t in tasks])
    verifier = functools.partial(making.verifier, [{"kind": "table", "params": making.TWO_ROWS}])
    shards.write(layout.VERIFIERS, Verifier, [(split[t.id], verifier(t.id)) for t in tasks])
    return tasks


def content(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*.parquet"))}


def peak(work: Callable[[], object]) -> int:
    """The most bytes of Python's that the work has at once beyond what there was."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_grading_in_parts_gives_the_same_verdicts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = dataset(7)
    shards.write(ROLLOUTS, Rollout, [("train", rollout(task, n)) for n, task in enumerate([*tasks, *tasks])])
    counts = grade.run(ROLLOUTS, VERDICTS, "someone", 2, store, Sandbox())
    assert counts == {"graded": 14, "errors": 0, "solved": 14}
    monkeypatch.setattr(shards, "parts", functools.partial(shards.parts, size=3))
    other = Store(Path("other.sqlite"))
    assert grade.run(ROLLOUTS, Path("again"), "someone", 2, other, Sandbox()) == counts
    other.close()
    assert content(Path("again")) == content(VERDICTS) != {}


def test_grading_reads_no_conversation(store: Store) -> None:
    (task,) = dataset(1)
    shards.write(ROLLOUTS, Rollout, (("train", rollout(task, n, 2 * MB)) for n in range(16)))
    assert peak(lambda: grade.run(ROLLOUTS, VERDICTS, "someone", 2, store, Sandbox())) < 4 * MB
    assert sum(v.solved for v in shards.read(VERDICTS, Verdict)) == 16


def test_judging_in_parts_gives_the_same_verdicts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    task = letters.task()
    shards.write(layout.TASKS, Task, [("bench", task)])
    shards.write(layout.VERIFIERS, Verifier, [("bench", letters.verifier())])
    written = [letters.letter(), letters.letter(letters.RIGHT.replace("Thank you", "Thanks")), letters.letter("Nothing.")]
    shards.write(ROLLOUTS, Rollout, [("bench", letters.rollout(task, c, identity=f"r{n}")) for n, c in enumerate(written)])
    found = []
    for size in (1, shards.PART):
        monkeypatch.setattr(shards, "parts", functools.partial(shards.parts, size=size))
        grade.run(ROLLOUTS, VERDICTS, "someone", 1, store, Sandbox())
        with endpoint_making.endpoint(letters.plain()) as played:
            counts = judge.run(ROLLOUTS, VERDICTS, {**letters.SECTION, "endpoint": played.url}, store)
        found.append((counts, content(VERDICTS)))
    assert found[0] == found[1] and found[0][0] == {"judged": 3, "not_judged": 0, "errors": 0}


def test_of_rollouts_and_their_sequences_one_is_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[weakref.ref[object]] = []
    most = {Rollout: 0, tokens.Sequence: 0}
    original = rows.from_row

    def from_row(cls: type, row: dict[str, object]) -> object:
        made = original(cls, row)
        if cls in most:
            alive.append(weakref.ref(made))
            most[cls] = max(most[cls], sum(isinstance(one(), cls) for one in alive))
        return made

    monkeypatch.setattr(rows, "from_row", from_row)
    monkeypatch.setattr(sequences, "Store", lambda: Store(Path("sequences.sqlite")))
    layout.model("base").parent.mkdir()
    layout.model("base").symlink_to(train_making.checkpoint())
    Path("params.yaml").write_text("sequences: {max_tokens: 10000}\n")
    (task,) = dataset(1)
    calls = train_making.calls(train_making.conversation())
    runs = [dataclasses.replace(rollout(task, number), calls=calls) for number in range(9)]
    shards.write(layout.rollouts("teacher", "train"), Rollout, (("train", r) for r in runs))
    shards.write(layout.verdicts("teacher", "train"), Verdict, (("train", bench_making.verdict(r)) for r in runs))
    assert sequences.main([]) == 0
    assert sum(1 for _ in shards.listed(layout.SEQUENCES)) == 9
    assert most == {Rollout: 2, tokens.Sequence: 2}  # the next is made before the last is let go
