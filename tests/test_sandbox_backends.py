"""A host that can't give boxes all their protections: boxes refuse, or go without and say so. And the pool of boxes started ahead."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import making
import pytest
from boxes_making import python, runners

from sandbox import backends, bwrap, cgroups, engine, pool, seccomp, watcher
from sandbox.box import BoxError, Caps, Sandbox, open_box
from sandbox.doors import Doors
from sandbox.episodes import Attempt
from specs.records import Limits, file_of

CAPS = Caps(memory_mb=256, disk_mb=8)


@pytest.fixture(params=["filter", "nesting", "bounds"])
def missing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A protection that the host can't give, by the words that name it."""

    def no_filter() -> bytes:
        raise BoxError("pyseccomp does not load")

    if request.param == "filter":
        monkeypatch.setattr(seccomp, "program", no_filter)
    elif request.param == "nesting":
        monkeypatch.setattr(bwrap, "bars_nesting", lambda: False)
    else:
        monkeypatch.setattr(cgroups, "usable", lambda: None)
        monkeypatch.setattr(watcher, "possible", lambda: False)
    backends.weak.cache_clear()
    yield {"filter": backends.FILTER, "nesting": backends.NESTING, "bounds": backends.BOUNDS}[request.param]
    backends.weak.cache_clear()


def attempt(sandbox: Sandbox) -> Attempt:
    return Attempt(making.task({"in.txt": "1"}), "a", {}, {}, Limits(1, 1, 1), CAPS, 0, sandbox)


def test_a_missing_protection_is_refused_by_name(missing: str) -> None:
    with pytest.raises(BoxError, match=missing), open_box(()):
        pass


def test_a_box_that_may_be_weak_opens_and_every_rollout_says_so(missing: str) -> None:
    weak = Sandbox(allow_weak=True)
    with open_box((), CAPS, sandbox=weak) as box:
        assert box.exec("echo on").output == "on\n"
    assert weak.told() == {"weak": [missing]}
    assert attempt(weak).id != attempt(Sandbox()).id


def test_a_host_that_has_all_changes_no_rollouts_name() -> None:
    assert Sandbox(allow_weak=True).told() == {}
    assert attempt(Sandbox(allow_weak=True, ahead=7)).id == attempt(Sandbox()).id
    assert attempt(Sandbox("docker")).id != attempt(Sandbox()).id


# The way out


ASK = """
import socket
with socket.socket(socket.AF_UNIX) as s:
    s.connect("/run/endpoint.sock")
    s.sendall(b"a question")
    print(s.recv(100).decode())
"""


def test_the_endpoint_is_reached_by_its_socket(open_box: Any, sandbox: Sandbox, tmp_path: Path) -> None:
    for part in (tmp_path, *tmp_path.parents[:-2]):
        part.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "endpoint"))
        (tmp_path / "endpoint").chmod(0o777)
        server.listen()
        asked = []

        def answer() -> None:
            talk, _ = server.accept()
            with talk:
                asked.append(talk.recv(100))
                talk.sendall(b"an answer")

        thread = threading.Thread(target=answer)
        thread.start()
        with open_box((), doors=Doors(str(tmp_path / "endpoint"))) as box:
            result = python(box, ASK)
            assert result.output == "an answer\n", result.output
            _, _, *beside = box.exec("rm /run/endpoint.sock; mv /run/endpoint.sock /tmp; ls /run").output.splitlines()
            ours = [] if sandbox.backend == "bwrap" else ["bridge.py", "contained.py", "pages.py", "runner.pyc"]
            assert beside == sorted(["endpoint.sock", *ours])
        thread.join()
    assert asked == [b"a question"]


# Boxes started ahead


def test_a_box_from_the_pool_is_fresh_and_its_callers_own(sandbox: Sandbox) -> None:
    def use(open_one: pool.OpenBox, n: int) -> tuple[str, list[str]]:
        with open_one([file_of("n", str(n).encode())]) as box:
            box.exec(f"echo {n} > mine; echo {n} > /tmp/mine")
            return box.exec("cat n; ls /tmp; ls").output, [c.path for c in box.snapshot()]

    with pool.warm(CAPS, sandbox) as open_one, ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda n: use(open_one, n), range(8)))
    assert found == [(f"{n}mine\nmine\nn\n", ["mine"]) for n in range(8)]


def test_files_that_are_no_workspaces_cost_the_pool_nothing() -> None:
    with pool.warm(CAPS, Sandbox()) as open_one:
        for _ in range(5):
            with pytest.raises(BoxError), open_one([file_of("../x", b"")]):
                pass
        with open_one([file_of("a", b"x")]) as box:
            assert box.read("a") == b"x"


def test_a_start_that_failed_is_the_callers_error_and_the_next_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    stubs = bwrap.STUBS
    monkeypatch.setattr(bwrap, "STUBS", {"/usr/none/x": ""})
    with pool.warm(CAPS, Sandbox(ahead=1)) as open_one:
        with pytest.raises(BoxError), open_one(()):
            pass
        monkeypatch.setattr(bwrap, "STUBS", stubs)
        with pytest.raises(BoxError), open_one(()):  # the one that was started ahead meanwhile
            pass
        with open_one(()) as box:
            assert box.exec("echo on").output == "on\n"


def test_boxes_that_nobody_took_are_gone_with_the_pool(sandbox: Sandbox) -> None:
    with pool.warm(CAPS, sandbox) as open_one:
        with open_one(()) as box:
            assert box.exec("true").status == 0
        while len(standing(sandbox)) < sandbox.ahead:
            time.sleep(0.02)
    assert standing(sandbox) == []


def standing(sandbox: Sandbox) -> list[Any]:
    """What there is of boxes that this process started."""
    if sandbox.backend == "docker":
        mine = f"{engine.STARTER}={os.getpid()}-{cgroups.started(os.getpid())}"
        return list(engine.connect().containers(filters={"label": mine}))
    return runners()
