"""What stays on the host when a box ends, however it ends: nothing."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from boxes_making import GIVEN
from projects import running

from benchmarks.engine import FOLDER
from sandbox import cgroups
from sandbox.box import Box, BoxError
from sandbox.box import open_box as bubble
from specs.records import file_of


def groups_of_this_process() -> list[Path]:
    where = cgroups.usable()
    return [] if where is None else [p for parent in where.parents.values() for p in parent.glob(f"clawgym-{os.getpid()}-*")]


def of_the_host() -> tuple[list[Path], list[str]]:
    """Control groups of this process, and mounts but for those of engines that other workers have started: containers come and go there."""
    own = os.environ.get("DOCKER_HOST", "").removeprefix("unix://").removesuffix("/docker.sock")
    mounts = Path("/proc/mounts").read_text().splitlines()
    return groups_of_this_process(), [line for line in mounts if FOLDER not in line or (own and own in line)]


def left_running(box: Box) -> str:
    """A process that would run for an hour, by its command line; the other backend's tests may run beside, with one of their own."""
    command = f"sleep 4321.{os.getpid()}"
    box.exec(f"{command} & until grep -q sleep /proc/$!/comm; do :; done")  # on its way there it has no command line
    assert running(command)
    return command


def test_nothing_stays_when_a_box_ends(open_box):
    with open_box(()), open_box(()):
        pass  # whatever is made once, such as the connection to an engine, is there now
    descriptors = len(os.listdir("/proc/self/fd"))
    before = of_the_host()
    with open_box(GIVEN) as box:
        command = left_running(box)
    assert not running(command)
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert of_the_host() == before


def test_nothing_stays_when_the_user_of_a_box_fails(open_box):
    before, commands = of_the_host(), []
    with pytest.raises(KeyError), open_box(GIVEN) as box:
        commands.append(left_running(box))
        raise KeyError
    assert not running(commands[0])
    assert of_the_host() == before


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
