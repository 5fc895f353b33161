"""What a hostile agent tries to use up: processes, memory, time, disk. It gets no more than its box has, and the others lose nothing."""

import shutil
import time

import pytest
from boxes_making import alive, python

from sandbox import cgroups
from sandbox.box import BoxLimit, Caps


@pytest.fixture(params=["groups", "rlimits"])
def bounds(request, monkeypatch, sandbox):
    """Both ways of bounding a box: control groups where they can be made, rlimits and a watcher where not."""
    if request.param == "rlimits" and sandbox.backend == "docker":
        pytest.skip("an engine always makes control groups")
    if request.param == "rlimits":
        monkeypatch.setattr(cgroups, "usable", lambda: None)
    elif cgroups.usable() is None:
        pytest.skip("no control group can be made here")
    return request.param


def test_a_fork_bomb_is_this_boxs_alone(open_box, bounds):
    with open_box(()) as other, open_box((), Caps(pids=32)) as box:
        try:  # the bomb leaves at once; what is asked next finds room by luck
            box.exec("bomb() { bomb | bomb & }; bomb", timeout_s=1)
            box.exec("sleep 0.2; cat /proc/[0-9]*/comm", timeout_s=1)
        except BoxLimit as limit:
            assert limit.which == "pids"
        assert alive(other)
        assert box.snapshot() == ()


def test_a_full_box_is_over(open_box, bounds):
    filler = "import os, time\nwhile True:\n    try:\n        if os.fork() == 0:\n            time.sleep(100)\n    except OSError:\n        time.sleep(0.001)"
    with open_box((), Caps(pids=16)) as box:
        box.write("/tmp/filler.py", filler.encode())
        with pytest.raises(BoxLimit) as raised:
            box.exec("setsid python3 /tmp/filler.py > /dev/null 2>&1 &")
            for _ in range(100):
                time.sleep(0.05)
                box.exec("true")
        assert raised.value.which == "pids"
        assert box.snapshot() == ()


def test_a_fork_bomb_in_the_foreground_runs_out_of_time(open_box, bounds):
    with open_box((), Caps(pids=32)) as box:
        script = "import os, time\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        time.sleep(0.05)"
        assert python(box, script, timeout_s=1).timed_out
        assert alive(box)


def test_no_more_processes_than_allowed(open_box, bounds):
    script = "import os, time\nn = 0\nwhile True:\n    try:\n        if os.fork() == 0:\n            time.sleep(60)\n        n += 1\n    except OSError:\n        print(n, flush=True)\n        os._exit(1)"
    with open_box((), Caps(pids=16)) as box:
        result = python(box, script)
    most = 1 + int(result.output.split()[-1])
    assert most == 16 if bounds == "groups" else 9 <= most <= 16
    assert result.killed == ("pids" if bounds == "groups" else "")


def test_a_memory_hog_is_killed_and_the_box_lives(open_box, bounds):
    with open_box((), Caps(memory_mb=128)) as box:
        result = python(box, "x = []\nwhile True: x.append(bytearray(b'x') * 10_000_000)")
        assert result.status != 0
        if bounds == "groups":
            assert (result.status, result.killed) == (137, "memory")
        else:
            assert "MemoryError" in result.output
        assert alive(box)


def test_many_small_hogs_are_bounded_together(open_box, bounds):
    hog = "import time; x = b'x' * 30_000_000; time.sleep(2)"
    with open_box((), Caps(memory_mb=100, disk_mb=8)) as box:
        command = f'for i in 1 2 3 4 5 6 7 8; do python3 -c "{hog}" & done; wait'
        if bounds == "groups":
            assert box.exec(command).killed == "memory"
            assert alive(box)
        else:
            with pytest.raises(BoxLimit) as raised:
                box.exec(command)
            assert raised.value.which == "memory"
            assert box.snapshot() == ()


def test_an_endless_loop_runs_out_of_time(open_box, bounds):
    with open_box(()) as box:
        result = box.exec("while :; do :; done", timeout_s=0.5)
        assert result.timed_out and result.status is None
        assert alive(box)


def test_endless_output_runs_out_of_time_within_bounds(open_box):
    with open_box(()) as box:
        result = box.exec("yes", timeout_s=0.5)
        assert result.timed_out and result.truncated and len(result.output) < 40_000
        assert alive(box)


def test_cpu_time_is_bounded_over_all_commands(open_box, bounds):
    with open_box((), Caps(cpu_seconds=1)) as box:
        with pytest.raises(BoxLimit) as raised:
            for _ in range(20):
                box.exec("while :; do :; done", timeout_s=0.2)
        assert raised.value.which == "cpu"
        with pytest.raises(BoxLimit):
            box.read("x")
        assert box.snapshot() == ()


def test_cpu_time_is_bounded_while_a_command_runs(open_box, bounds):
    with open_box((), Caps(cpu_seconds=1)) as box:
        if bounds == "rlimits":
            assert box.exec("while :; do :; done", timeout_s=20).killed == "cpu"
        else:
            with pytest.raises(BoxLimit) as raised:
                box.exec("while :; do :; done", timeout_s=20)
            assert raised.value.which == "cpu"


@pytest.mark.parametrize("place", ["/workspace", "/tmp", "/dev/shm"])
def test_a_disk_filler_fills_its_own_disk(open_box, place, bounds):
    free = shutil.disk_usage("/tmp").free
    with open_box((), Caps(disk_mb=8)) as box:
        result = box.exec(f"for i in $(seq 20); do head -c 4000000 /dev/zero > {place}/f$i || exit 1; done")
        assert result.status == 1 and "No space left" in result.output
        assert int(box.exec(f"du -sk {place} | cut -f1").output) <= 16 << 10
        assert alive(box)
    assert shutil.disk_usage("/tmp").free > free - (512 << 20)


def test_a_file_with_a_hole_claims_no_more_than_the_disk(open_box):
    with open_box((), Caps(disk_mb=8)) as box:
        assert box.exec("truncate -s 100G hole").status != 0
        box.exec("for i in $(seq 50); do truncate -s 8M hole$i; done")
        assert sum(len(c.content or b"") for c in box.snapshot()) <= 16 << 20


def test_a_spray_of_tiny_files_does_not_reach_the_host(open_box):
    with open_box((), Caps(memory_mb=64, disk_mb=8)) as box:
        script = "import os\nfor i in range(10**6):\n    os.close(os.open(f'f{i}', os.O_CREAT))"
        try:
            box.exec("true")
            python(box, script, timeout_s=3)
            box.snapshot()
        except BoxLimit as limit:
            assert limit.which in {"disk", "memory"}
        else:
            raise AssertionError("a million files passed")
