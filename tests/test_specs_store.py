"""The store of finished items: kept once, kept whatever happens to the process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import zlib
from pathlib import Path
from typing import Any

import making
import pytest
import tinyspecs

from specs import rows
from specs.errors import BoundaryError
from specs.records import Task
from specs.store import Store

PUTTER = """
import sys
from pathlib import Path
from specs.store import Store
store = Store(Path(sys.argv[1]))
n = 0
while True:
    store.put("stage", f"item-{n}", {"n": n, "filling": "x" * 2000})
    print(n, flush=True)
    n += 1
"""


def items(path: Path) -> dict[str, bytes]:
    with sqlite3.connect(path) as db:
        return dict(db.execute("SELECT key, value FROM items"))


def test_what_is_put_comes_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    task = making.task({"a.bin": b"\x00\xff\x80"})
    store.put("compile", "k", task)
    assert store.record("compile", "k", Task) == task
    assert store.get("compile", "other") is None and store.record("audit", "k", Task) is None


def test_json_and_bytes_come_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    value = {"a": [1, 2.5, None, True, "ä"], "b": b"\x00\xff", "c": {"d": []}}
    store.put("stage", "k", value)
    assert store.get("stage", "k") == value


def _open_at_once(path: Path, barrier: Any, told: Any) -> None:
    barrier.wait()
    try:
        Store(path).close()
        told.put("")
    except sqlite3.Error as error:
        told.put(repr(error))


def test_many_may_open_a_new_store_at_once(tmp_path: Path) -> None:
    barrier, told = multiprocessing.Barrier(6), multiprocessing.Queue()
    for number in range(12):
        opening = [multiprocessing.Process(target=_open_at_once, args=(tmp_path / f"{number}.sqlite", barrier, told)) for _ in range(6)]
        for process in opening:
            process.start()
        assert [told.get(timeout=60) for _ in opening] == [""] * 6
        for process in opening:
            process.join()


def test_the_first_put_stays(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    store.put("stage", "k", 1)
    store.put("stage", "k", 2)
    assert store.get("stage", "k") == 1
    assert len(items(tmp_path / "s.sqlite")) == 1


def test_what_is_missing_in_the_order_asked(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    store.put("stage", "b", 1)
    store.put("other", "a", 1)
    assert list(store.missing("stage", ["c", "b", "a"])) == ["c", "a"]


def test_finished_items_survive_a_kill_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    env = {**os.environ, "PYTHONPATH": str(tinyspecs.REPOSITORY)}
    said = -1
    for stop in (17, 40, 90):
        with subprocess.Popen([sys.executable, "-c", PUTTER, str(path)], stdout=subprocess.PIPE, text=True, env=env) as process:
            assert process.stdout
            for line in process.stdout:
                said = max(said, int(line))
                if int(line) == stop:
                    process.send_signal(signal.SIGKILL)
        store = Store(path)
        assert list(store.missing("stage", (f"item-{n}" for n in range(said + 1)))) == []
        assert store.get("stage", f"item-{said}")["n"] == said
        store.close()
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def put_all(path: Path, start: threading.Barrier) -> None:
    store = Store(path)
    start.wait()
    for n in range(60):
        store.put("stage", f"item-{n}", {"n": n, "by": os.getpid()})


def test_several_processes_double_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(3)
    workers = [context.Process(target=put_all, args=(path, start)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [w.exitcode for w in workers] == [0, 0, 0]
    store = Store(path)
    assert sorted(store.get("stage", key)["n"] for key in items(path)) == list(range(60))


def test_threads_share_one_store(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    errors: list[Exception] = []

    def work(name: int) -> None:
        try:
            for n in range(50):
                store.put("stage", f"{n}", {"by": name, "n": n})
                assert store.get("stage", f"{n}")["n"] == n
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(items(tmp_path / "s.sqlite")) == 50


def test_a_reader_is_not_kept_waiting_by_a_writer(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    store.put("stage", "k", 1)
    other = sqlite3.connect(tmp_path / "s.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO items VALUES('stage', 'l', x'00')")
    got: list[object] = []
    thread = threading.Thread(target=lambda: got.append(store.get("stage", "k")))
    thread.start()
    thread.join(20)
    other.execute("ROLLBACK")
    assert got == [1]


def test_what_an_earlier_version_kept_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    store.put_packed("stage", "k", zlib.compress(b'{"a": {"$bytes": "/w=="}}'))
    assert store.get("stage", "k") == {"a": b"\xff"}


def test_a_packed_record_stays_or_takes_the_place_of_another(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    for n, replace in ((1, False), (2, False), (3, True)):
        store.put_packed("stage", "k", rows.packed(n), replace)
        assert store.get("stage", "k") == (3 if replace else 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")
def test_a_full_disk_is_the_stores_failure_and_what_was_kept_stays(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", tmp_path], check=True)
    try:
        store, kept = Store(tmp_path / "s.sqlite"), []
        with pytest.raises(BoundaryError, match="run again when this is mended") as caught:
            for n in range(1000):
                store.put("stage", str(n), os.urandom(1000).hex())
                kept.append(str(n))
        assert caught.value.boundary == "store"
        assert kept and list(store.missing("stage", kept)) == []
        store.close()
    finally:
        subprocess.run(["umount", tmp_path], check=True)
