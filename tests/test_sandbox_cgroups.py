"""Control groups: found and bounded on both versions, and swept once their starter is dead."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from sandbox import cgroups

STARTER = """
import sys
import psutil
from sandbox.box import open_box
with open_box(()) as box:
    box.exec("sleep 1000 &")
    print(*[child.pid for child in psutil.Process().children(recursive=True)], flush=True)
    sys.stdin.read()
"""


def test_a_box_ends_with_its_killed_starter_and_its_groups_are_swept():
    with subprocess.Popen(
        [sys.executable, "-c", STARTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent
    ) as starter:
        started = [Path("/proc", pid) for pid in starter.stdout.readline().decode().split()]
        starter.kill()
    assert len(started) >= 3  # the fork server, the runner, what it was told to run
    until(lambda: not any(process.exists() for process in started))
    where = cgroups.usable()
    if where:
        cgroups.sweep(set(where.parents.values()))
        assert not [p for parent in where.parents.values() for p in parent.glob(f"clawgym-{starter.pid}-*")]


def test_a_starter_killed_at_any_moment_leaves_no_process():
    """A child on its way into a group is in no list yet; it has the session of its starter, and is waited for by that."""
    where = cgroups.usable()
    if where is None:
        pytest.skip("no control group tells whose processes they are")
    opening = "from sandbox.box import open_box\nprint(flush=True)\nwhile True:\n    with open_box(()): pass"
    groups, sessions = [], set()
    for attempt in range(12):
        command = [sys.executable, "-c", opening]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent, start_new_session=True) as starter:
            starter.stdout.readline()
            time.sleep(0.1 + attempt * 0.003)
            starter.kill()
        sessions.add(starter.pid)
        groups += [p for parent in set(where.parents.values()) for p in parent.glob(f"clawgym-{starter.pid}-*")]
    until(lambda: not sessions & living_sessions())
    cgroups.sweep(set(where.parents.values()))
    assert not any(g.exists() for g in groups)


def living_sessions() -> set[int]:
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found.add(int(stat.read_text().rpartition(")")[2].split()[3]))
    return found


def until(holds) -> None:
    for _ in range(1000):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("it never came to hold")


def test_only_the_groups_of_the_dead_are_swept(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    parent, started = os.getppid(), cgroups.started(os.getppid())
    dead = [f"clawgym-{gone.pid}-{started}-3", f"clawgym-{parent}-{int(started) - 1}-0"]  # the second one's pid is another's now
    others = [f"clawgym-{parent}-{started}-0", "clawgym-x-0-0", "else"]
    for name in (*dead, *others):
        (tmp_path / "inner" / name).mkdir(parents=True)
    cgroups.sweep([tmp_path])
    assert sorted(p.name for p in (tmp_path / "inner").iterdir()) == sorted(others)


def test_a_group_whose_last_process_is_just_ending_is_waited_for():
    where = cgroups.usable()
    if where is None:
        pytest.skip("no control group can be made here")
    gone = subprocess.Popen(["true"])
    gone.wait()
    group = where.parents["pids"] / f"clawgym-{gone.pid}-1-0"
    group.mkdir()
    with subprocess.Popen(["sh", "-c", 'echo 0 > "$0"; exec sleep 1', str(group / "cgroup.procs")]):
        until(lambda: (group / "cgroup.procs").read_text() or not group.exists())
        cgroups.sweep([where.parents["pids"]])
    assert not group.exists()


def mounts(tmp_path, *lines: str) -> str:
    return "".join(f"31 23 0:28 {line}\n".replace("@", str(tmp_path)) for line in lines)


def test_own_groups_are_found_on_v1(tmp_path):
    for name in ("memory/own/group", "pids", "cpu,cpuacct/sub"):
        (tmp_path / name).mkdir(parents=True)
    text = mounts(
        tmp_path,
        "/ @/memory rw - cgroup cgroup rw,memory",
        "/docker/1 @/pids rw - cgroup cgroup rw,pids",
        "/ @/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
        "/ @/unified rw - cgroup2 cgroup2 rw",
    )
    found = cgroups.find(text, "4:memory:/own/group\n3:pids:/docker/1\n2:cpu,cpuacct:/sub\n0::/\n")
    assert found.version == 1
    assert {c: str(p.relative_to(tmp_path)) for c, p in found.parents.items()} == {
        "memory": "memory/own/group",
        "pids": "pids",
        "cpu": "cpu,cpuacct/sub",
        "cpuacct": "cpu,cpuacct/sub",
    }


def unified(tmp_path: Path, controls: dict[str, str]) -> str:
    for name, control in controls.items():
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "cgroup.controllers").write_text("")
        (tmp_path / name / "cgroup.subtree_control").write_text(control)
    return mounts(tmp_path, "/ @ rw - cgroup2 cgroup2 rw")


def test_the_nearest_delegated_ancestor_is_found_on_v2(tmp_path):
    text = unified(tmp_path, {".": "cpu memory pids", "user": "cpu memory pids", "user/app": "memory", "user/app/own": ""})
    found = cgroups.find(text, "0::/user/app/own\n")
    assert (found.version, set(found.parents.values())) == (2, {tmp_path / "user"})


def test_the_groups_of_a_process_on_v2_are_its_own_and_stay_as_they_are(tmp_path):
    text = unified(tmp_path, {".": "cpu memory pids", "docker": "", "docker/1": ""})
    found = cgroups.of(text, "0::/docker/1\n")
    assert (found.version, set(found.directories.values())) == (2, {tmp_path / "docker/1"})
    assert (tmp_path / "docker/cgroup.subtree_control").read_text() == ""
    assert cgroups.of("", "0::/\n") is None


def test_no_delegation_means_no_groups(tmp_path):
    assert cgroups.find(unified(tmp_path, {".": "cpu", "own": ""}), "0::/own\n") is None
    assert cgroups.find("", "0::/\n") is None


def test_the_bounds_and_counters_of_v2(tmp_path, monkeypatch):
    monkeypatch.setattr(cgroups, "usable", lambda: cgroups.Hierarchy(2, {"memory": tmp_path, "pids": tmp_path}))
    monkeypatch.setattr(Path, "exists", lambda self: True)
    groups = cgroups.make(1000, 7)
    group = groups.directories["memory"]
    assert {f.name: f.read_text() for f in group.iterdir()} == {
        "pids.max": "7",
        "memory.max": "1000",
        "memory.swap.max": "0",
        "cpu.max": "100000 100000",
    }
    (group / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    (group / "memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    (group / "pids.events").write_text("max 5\n")
    assert (groups.cpu_seconds(), groups.killed_for_memory(), groups.refused_processes()) == (2.5, 2, 5)
    assert groups.entries() == [str(group / "cgroup.procs")]


def test_the_first_boxes_of_many_threads_are_bounded_as_one_would_be():
    """In a process of its own: the first box looks for control groups, and others must not disturb it."""
    program = """
import sys
from concurrent.futures import ThreadPoolExecutor
from sandbox.box import Caps, open_box

def bounds(_):
    with open_box((), Caps()) as box:
        return box.bounded_by

count = int(sys.argv[1])
with ThreadPoolExecutor(count) as pool:
    print(",".join(sorted(set(pool.map(bounds, range(count))))))
"""
    root = Path(__file__).parent.parent
    said = [
        subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(n)], cwd=root, capture_output=True, text=True, check=True).stdout
        for n in (1, 8, 8, 8)
    ]
    assert len(set(said)) == 1, said
