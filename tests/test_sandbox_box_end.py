"""What stays on the host when a box ends, however it ends: nothing."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from boxes_making import GIVEN
from projects import running

from sandbox import cgroups
from sandbox.box import BoxError
from sandbox.box import open_box as bubble
from specs.records import file_of


def groups_of_this_process() -> list[Path]:
    where = cgroups.usable()
    return [] if where is None else [p for parent in where.parents.values() for p in parent.glob(f"clawgym-{os.getpid()}-*")]


def mounts() -> list[str]:
    """Mounts of this machine but for those of engines that other workers have started: their containers come and go meanwhile."""
    own = os.environ.get("DOCKER_HOST", "none").removeprefix("unix://").removesuffix("/docker.sock")
    return [line for line in Path("/proc/mounts").read_text().splitlines() if own in line or "/clawgym-engine-" not in line]


def test_nothing_stays_when_a_box_ends(open_box):
    with open_box(()), open_box(()):
        pass  # whatever is made once, such as the connection to an engine, is there now
    descriptors = len(os.listdir("/proc/self/fd"))
    before = groups_of_this_process(), mounts()
    mark = f"sleep 4321.{os.getpid()}"  # the other backend's test may run beside this one
    with open_box(GIVEN) as box:
        box.exec(f"{mark} & until grep -q sleep /proc/$!/comm; do :; done")  # on its way there it has no command line
        assert running(mark)
    assert not running(mark)
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert (groups_of_this_process(), mounts()) == before


def test_nothing_stays_when_the_user_of_a_box_fails(open_box):
    before = groups_of_this_process(), mounts()
    mark = f"sleep 1234.{os.getpid()}"
    with pytest.raises(KeyError), open_box(GIVEN) as box:
        box.exec(f"{mark} &")
        raise KeyError
    assert (groups_of_this_process(), mounts()) == before
    assert not running(mark)


def test_a_box_that_does_not_start_says_why(monkeypatch):
    from sandbox import bwrap

    with bubble(()):  # the first box of a process starts what all are forked from
        pass
    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(bwrap, "STUBS", {"/usr/none/x": ""})
    with pytest.raises(BoxError, match=r"bwrap: .*"), bubble(()):
        pass
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_missing_bubblewrap_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BoxError, match="bwrap"), bubble(()):
        pass


def test_a_box_outlives_the_thread_that_opened_it(open_box):
    held = {}

    def opening():
        held["context"] = open_box(GIVEN)
        held["box"] = held["context"].__enter__()

    thread = threading.Thread(target=opening)
    thread.start()
    thread.join()
    try:
        assert held["box"].exec("sleep 0.2; echo on").output == "on\n"
    finally:
        held["context"].__exit__(None, None, None)


def test_boxes_in_threads_do_not_mix(open_box):
    def play(number: int) -> tuple[str, set[str]]:
        with open_box([file_of("n", str(number).encode())]) as box:
            box.write(f"out-{number}", b"")
            return box.exec("cat n").output, {c.path for c in box.snapshot()}

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(play, range(16))) == [(str(n), {f"out-{n}"}) for n in range(16)]
