"""The fork server, out of which the runners of bubblewrap's boxes are forked: one a process, gone with it, and nothing of it in a box."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from blackbox_making import ours
from boxes_making import runners

from sandbox import spawning
from sandbox.box import BoxError, open_box

ROOT = Path(__file__).parent.parent


def opens() -> bool:
    with open_box(()) as box:
        return box.exec("echo on").output == "on\n"


def servers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if spawning.NAME in child.cmdline()]


def test_many_threads_share_one() -> None:
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda _: opens(), range(24)))
    assert len(servers()) == 1
    assert runners() == []


def test_a_fork_of_this_process_has_one_of_its_own_and_takes_it_along() -> None:
    assert opens()
    before = servers()
    read, write = os.pipe()
    if os.fork() == 0:
        try:
            os.write(write, b"opened" if opens() else b"not")
        finally:
            spawning._stop()  # no way out of a fork runs what was registered for the end
            os._exit(0)
    os.close(write)
    assert os.read(read, 10) == b"opened"
    os.close(read)
    os.wait()
    assert opens()
    assert servers() == before


def test_a_killed_one_is_replaced() -> None:
    """With what it holds ready: a fork that took the request would make one more box."""
    for _ in range(10):
        assert opens()
        for process in ours(spawning.NAME):
            process.kill()
        assert opens()


def test_one_killed_with_a_request_in_its_hands_is_replaced() -> None:
    assert opens()
    asked = ours(spawning.NAME)
    for process in asked:
        process.suspend()
    with ThreadPoolExecutor(1) as threads:
        opened = threads.submit(opens)
        time.sleep(0.3)
        assert not opened.done()
        for process in asked:
            process.kill()
        assert opened.result()


def test_boxes_outlive_it() -> None:
    with open_box(()) as box:
        inside = set(runners())
        for process in ours(spawning.NAME):
            if process.pid not in inside:
                process.kill()
        assert box.exec("echo on").output == "on\n"


def test_a_missing_python_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    spawning._stop()
    monkeypatch.setattr(spawning, "PYTHON", ("/nowhere/python3",))
    with pytest.raises(BoxError, match=r"fork server.*nowhere"):
        opens()


def test_a_python_that_does_not_run_our_modules_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    spawning._stop()
    source = spawning.source
    monkeypatch.setattr(spawning, "source", lambda name: b"raise SystemExit('too old')" if name == "inbox" else source(name))
    with pytest.raises(BoxError, match="too old"):
        opens()
    monkeypatch.undo()
    spawning._stop()
    assert opens()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupt_of_all_ends_it_with_its_process_alone(number: signal.Signals) -> None:
    """As a terminal sends it, to the whole process group; and a process that is killed takes it along."""
    holding = """
import signal, sys, psutil
from sandbox.box import open_box
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what it leaves in the background deaf to it
with open_box(()) as box:
    try:
        print(*[p.pid for p in psutil.Process().children(recursive=True)], flush=True)
        sys.stdin.read()
    except KeyboardInterrupt:
        print(box.exec("echo still here").output, flush=True)
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", holding], cwd=ROOT, text=True, process_group=0, **pipes) as process:
        begotten = [int(pid) for pid in process.stdout.readline().split()]
        assert len(begotten) >= 2
        os.killpg(process.pid, number) if number == signal.SIGINT else process.kill()
        told, _ = process.communicate(timeout=60)
        assert told.strip() == ("still here" if number == signal.SIGINT else "")
    for _ in range(500):
        if not any(psutil.pid_exists(pid) for pid in begotten):
            return
        time.sleep(0.02)
    raise AssertionError("something of it stays")


def test_a_box_inherits_nothing_of_a_process_that_has_much_open() -> None:
    spawning._stop()
    opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(1100)]
    try:
        with open_box(()) as box:
            assert box.exec("ls /proc/self/fd").output.split() == ["0", "1", "2", "3"]  # the last is of ls itself
    finally:
        for fd in opened:
            os.close(fd)


def test_a_bubblewrap_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for part in (tmp_path, *tmp_path.parents[:-2]):
        part.chmod(0o755)
    (tmp_path / "bwrap").write_text("#!/bin/sh\nsleep 98761\n")
    (tmp_path / "bwrap").chmod(0o755)
    source = spawning.source
    spawning._stop()
    monkeypatch.setattr(spawning, "source", lambda name: source(name).replace(b"PATIENCE_S = 30", b"PATIENCE_S = 1"))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(BoxError, match="took more than 1 s"):
        opens()
    assert ours("98761") == []
    spawning._stop()


def test_a_terminals_interrupt_does_not_reach_it() -> None:
    assert opens()
    assert all(os.getpgid(server.pid) != os.getpgid(0) for server in servers())


def test_its_fork_has_no_rights_nor_has_what_it_runs() -> None:
    with open_box(()) as box:
        for process in ("1", "self"):
            status = dict(line.split(":\t") for line in box.exec(f"cat /proc/{process}/status").output.splitlines())
            assert {status[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
            assert (status["NoNewPrivs"], status["Seccomp"], status["Groups"].strip()) == ("1", "2", "1000" if os.geteuid() else "")
            assert box.exec(f"cut -d: -f3 /proc/{process}/cgroup | sort -u").output == "/\n"


def test_a_box_tells_nothing_of_where_it_was_started() -> None:
    with open_box(()) as box:
        line = box.exec("tr '\\0' ' ' </proc/1/cmdline").output
        assert str(ROOT) not in line and line.split()[:3] == list(spawning.PYTHON)
        assert box.exec("cat /proc/1/environ").status != 0
        assert box.exec("ls -d /run /etc; stat -c %a /run /etc /etc/passwd").output == "/etc\n/run\n755\n755\n644\n"
        assert box.exec("find / -xdev -path /usr -prune -o -path /proc -prune -o -type f -writable -print").output == ""
