"""What a box has beyond its files: folders of the host that it may read, and a loopback port that leads to its endpoint."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from boxes_making import alive, python

from sandbox.box import BoxError, Caps
from sandbox.box import open_box as bubble
from sandbox.doors import Doors

PORT = 18080
GET = f"""
import sys, urllib.request
print(urllib.request.urlopen("http://127.0.0.1:{PORT}/", timeout=10).read().decode())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that the user of boxes can reach."""
    for part in (tmp_path, *tmp_path.parents[:-2]):
        part.chmod(0o755)
    return tmp_path


@contextmanager
def answering(path: Path, answer: Callable[[socket.socket], None]) -> Iterator[Doors]:
    """A unix socket whose every connection `answer` talks to."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.chmod(0o777)
        server.listen(1024)

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=_talked, args=(connection, answer), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield Doors(str(path))
        server.shutdown(socket.SHUT_RDWR)


def _talked(connection: socket.socket, answer: Callable[[socket.socket], None]) -> None:
    with connection:
        answer(connection)


def http(body: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        if b"\r\n\r\n" not in connection.recv(65536):
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))

    return answer


# Folders of the host


def test_a_folder_is_read_and_never_written_to(open_box: Any, folder: Path) -> None:
    given = folder / "given"
    given.mkdir()
    (given / "tool.sh").write_text("echo ran\n")
    given.chmod(0o777)
    with open_box((), doors=Doors(mounts=((str(given), "/opt/tool"),))) as box:
        assert box.exec("bash /opt/tool/tool.sh").output == "ran\n"
        tried = "touch /opt/tool/x; echo y >> /opt/tool/tool.sh; rm /opt/tool/tool.sh; mv /opt/tool /tmp/; chmod 700 /opt/tool"
        assert box.exec(tried).output.count("Read-only file system") >= 4
        assert "Permission denied" in box.exec("touch /opt/x").output or "Read-only" in box.exec("touch /opt/x").output
    assert [(p.name, p.read_text()) for p in given.iterdir()] == [("tool.sh", "echo ran\n")]


def test_what_lies_beside_a_folder_is_out_of_reach(open_box: Any, folder: Path) -> None:
    (folder / "given").mkdir()
    (folder / "secret.txt").write_text("secret")
    (folder / "given" / "link").symlink_to("../secret.txt")
    (folder / "given" / "absolute").symlink_to(folder / "secret.txt")
    with open_box((), doors=Doors(mounts=((str(folder / "given"), "/opt/tool"),))) as box:
        result = box.exec("cat /opt/tool/link /opt/tool/absolute /opt/tool/../secret.txt /opt/secret.txt")
    assert "secret\n" not in result.output and result.output.count("No such file") == 4


def test_folders_are_no_part_of_the_snapshot(open_box: Any, folder: Path) -> None:
    with open_box((), doors=Doors(mounts=((str(folder), "/opt/tool"),))) as box:
        assert box.snapshot() == ()


@pytest.mark.parametrize("inside", ["/workspace/x", "/opt", "/opt/../usr", "/usr/bin", "relative", "/tmp/x"])
def test_a_folder_lies_beneath_opt(inside: str, folder: Path) -> None:
    with pytest.raises(BoxError, match="beneath /opt"), bubble((), doors=Doors(mounts=((str(folder), inside),))):
        pass


@pytest.mark.parametrize("second", ["/opt/a", "/opt/a/b"])
def test_no_folder_hides_another(second: str, folder: Path) -> None:
    with pytest.raises(BoxError, match="hide"), bubble((), doors=Doors(mounts=((str(folder), "/opt/a"), (str(folder), second)))):
        pass


def test_a_folder_that_is_not_there_is_the_boxs_failure(folder: Path) -> None:
    with pytest.raises(BoxError, match="doesn't start"), bubble((), doors=Doors(mounts=((str(folder / "none"), "/opt/a"),))):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts boxes as another user")
def test_a_folder_that_only_root_comes_to_is_there_all_the_same(open_box: Any, folder: Path) -> None:
    """As one of a checkout in root's home; what lies beside it stays hidden, and the host has no mount more."""
    hidden = folder / "hidden"
    (hidden / "given").mkdir(parents=True)
    (hidden / "given" / "a.txt").write_text("alpha\n")
    (hidden / "secret.txt").write_text("secret\n")
    hidden.chmod(0o700)
    with open_box((), doors=Doors(mounts=((str(hidden / "given"), "/opt/a"),))) as box:
        assert box.exec("cat /opt/a/a.txt; cat /opt/a/../secret.txt; touch /opt/a/b 2>&1").output.startswith("alpha\ncat:")
        assert not (hidden / "given" / "b").exists()
        assert "clawgym/mounts" not in Path("/proc/self/mountinfo").read_text()


# The bridge


def test_a_port_leads_to_the_endpoint(open_box: Any, folder: Path) -> None:
    with answering(folder / "s", http(b"hello")) as doors, open_box((), doors=doors) as box:
        box.bridge(PORT)
        assert python(box, GET).output == "hello\n"


def test_a_stream_is_not_held_back(open_box: Any, folder: Path) -> None:
    """The second half is only sent once the first has arrived."""

    def answer(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"first")
        connection.sendall(b"second:" + connection.recv(100))

    script = f"""
import socket
with socket.create_connection(("127.0.0.1", {PORT}), timeout=10) as s:
    s.sendall(b"go")
    assert s.recv(100) == b"first"
    s.sendall(b"on")
    assert s.recv(100) == b"second:on"
    print(s.recv(100))
"""
    with answering(folder / "s", answer) as doors, open_box((), doors=doors) as box:
        box.bridge(PORT)
        assert python(box, script).output == "b''\n"


def test_much_passes_both_ways_unaltered(open_box: Any, folder: Path) -> None:
    script = f"""
import hashlib, random, socket, threading
data = random.Random(1).randbytes(8_000_000)
with socket.create_connection(("127.0.0.1", {PORT}), timeout=20) as s:
    def say():
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
    threading.Thread(target=say).start()
    back = bytearray()
    while piece := s.recv(1 << 16):
        back += piece
print(bytes(back) == data)
"""

    def echo(connection: socket.socket) -> None:
        while data := connection.recv(1 << 16):
            connection.sendall(data)

    with answering(folder / "s", echo) as doors, open_box((), doors=doors) as box:
        box.bridge(PORT)
        assert python(box, script, timeout_s=60).output == "True\n"


def test_one_that_leaves_is_told_of(open_box: Any, folder: Path) -> None:
    """The endpoint learns that a client has gone, whether or not it was speaking."""
    gone = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.recv(100)
        while connection.recv(100):
            pass
        gone.set()

    script = f"""
import socket
s = socket.create_connection(("127.0.0.1", {PORT}), timeout=10)
s.sendall(b"go")
s.close()
"""
    with answering(folder / "s", answer) as doors, open_box((), doors=doors) as box:
        box.bridge(PORT)
        python(box, script)
        assert gone.wait(10)


def test_nobody_within_ends_it_or_takes_its_port(open_box: Any, folder: Path) -> None:
    with answering(folder / "s", http(b"still here")) as doors, open_box((), doors=doors) as box:
        box.bridge(PORT)
        box.exec("pkill -9 python3; kill -9 1; kill -9 -1; killall5 -9; true")
        taken = f"import socket; socket.create_server(('127.0.0.1', {PORT}), reuse_port=True)"
        assert "in use" in python(box, taken).output
        assert python(box, GET).output == "still here\n"


def test_too_many_connections_hold_up_nobody(open_box: Any, folder: Path) -> None:
    script = f"""
import socket, urllib.request
held = [socket.create_connection(("127.0.0.1", {PORT}), timeout=10) for _ in range(200)]
print(urllib.request.urlopen("http://127.0.0.1:{PORT}/", timeout=10).read().decode())
"""
    with answering(folder / "s", http(b"hello")) as doors, open_box((), Caps(memory_mb=256), doors=doors) as box:
        box.bridge(PORT)
        assert python(box, script).output == "hello\n"
        assert alive(box)


def test_where_there_is_no_endpoint_a_connection_is_closed(open_box: Any) -> None:
    with open_box(()) as box:
        box.bridge(PORT)
        output = python(box, GET).output
        assert "closed connection without" in output or "reset by peer" in output  # as it comes before the request or after
        assert alive(box)


def test_commands_and_connections_go_on_beside_each_other(open_box: Any, folder: Path) -> None:
    with answering(folder / "s", http(b"hello")) as doors, open_box((), doors=doors) as box:
        box.bridge(PORT)
        box.write("/tmp/get.py", GET.encode())
        result = box.exec("for i in $(seq 20); do python3 -I -S /tmp/get.py & done; wait", timeout_s=60)
        assert result.output == "hello\n" * 20
