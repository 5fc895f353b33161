"""Each script of tests/attacks, run in a box as an agent could: it gains nothing, the host answers, and the neighbour is undisturbed."""

from __future__ import annotations

import os
import platform
import re
import secrets
import shlex
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox.box import BoxLimit, Caps
from sandbox.doors import Doors
from specs.records import Change, file_of

HERE = Path(__file__).parent / "attacks"
ATTACKS = sorted(p.name for p in HERE.iterdir() if p.suffix in (".sh", ".py"))
HEAD = re.compile(r"# Tries: \S.*\n# Must: \S.*\n")
CAPS = Caps(memory_mb=256, pids=48, disk_mb=16, cpu_seconds=20, file_mb=2)
SECONDS = 4
RESPONSIVE_S = 0.2
pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="attacks name system calls by their numbers on x86-64")


@dataclass
class Host:
    """What there is to be gained: a file, servers, and a secret in the environment."""

    mark: str
    variables: dict[str, str]
    endpoint: str  # of the boxes that are attacked
    reached: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    mark = secrets.token_hex(8)
    folder = tmp_path_factory.mktemp("host")
    for part in (folder, *folder.parents[:-2]):
        part.chmod(0o755)
    (folder / "secret.txt").write_text(mark)
    tcp = socket.create_server(("0.0.0.0", 0))
    abstract, path = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0{mark}")
    path.bind(str(folder / "server"))
    (folder / "server").chmod(0o777)
    own, other = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    for endpoint, name in ((own, "own"), (other, "other")):
        endpoint.bind(str(folder / name))
        (folder / name).chmod(0o777)
    own.listen()
    variables = {
        "MARK": mark,
        "HOST_FILE": str(folder / "secret.txt"),
        "HOST_SOCKET": str(folder / "server"),
        "OTHER_ENDPOINT": str(folder / "other"),
        "HOST_ABSTRACT": mark,
        "HOST_PORT": str(tcp.getsockname()[1]),
        "REPOSITORY": str(HERE.parent.parent),
    }
    found = Host(mark, variables, str(folder / "own"))
    for server in (tcp, abstract, path, other):
        server.listen()
        threading.Thread(target=_accept, args=(server, found.reached), daemon=True).start()
    os.environ["OPENAI_API_KEY"] = f"sk-{mark}"
    yield found
    del os.environ["OPENAI_API_KEY"]
    for server in (tcp, abstract, path, own, other):
        server.close()


def _accept(server: socket.socket, reached: list[str]) -> None:
    while True:
        try:
            server.accept()
        except OSError:
            return
        reached.append(str(server.getsockname()))


@pytest.fixture(scope="module")
def neighbour(host: Host, open_box: Any) -> Iterator[Any]:
    with open_box([file_of("neighbour.txt", b"mine")]) as box:
        box.exec("setsid sleep 98765 > /dev/null 2>&1 &")
        yield box


class Watch(threading.Thread):
    """How long `true` takes on the host meanwhile."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.took: list[float] = []
        self.over = threading.Event()

    def run(self) -> None:
        while True:
            start = time.monotonic()
            subprocess.run(["/bin/true"], check=True)
            self.took.append(time.monotonic() - start)
            if self.over.wait(0.05):
                return


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gains_nothing(name: str, host: Host, open_box: Any, neighbour: Any) -> None:
    text = (HERE / name).read_bytes()
    assert HEAD.match(text.decode()), "it says what it tries and what must happen"
    command = f"env {shlex.join(f'{k}={v}' for k, v in host.variables.items())} {'bash' if name.endswith('.sh') else 'python3'} /tmp/attack"
    watch = Watch()
    with open_box([file_of("a.txt", b"alpha\n")], CAPS, doors=Doors(host.endpoint)) as box:
        watch.start()
        try:
            box.write("/tmp/attack", text)
            output = box.exec(command, timeout_s=SECONDS).output
        except BoxLimit as limit:
            output = f"over: {limit.which}"
        try:
            changes = box.snapshot()
        except BoxLimit as limit:
            assert limit.which == "disk"
            changes = ()
        watch.over.set()
        watch.join()
        assert _still(box)
    assert "GOT" not in output, output
    assert f"sk-{host.mark}" not in output
    assert host.reached == []
    _decent(changes, host.mark)
    assert statistics.median(watch.took) < RESPONSIVE_S
    assert neighbour.exec("cat neighbour.txt; pgrep -c sleep").output.split() == ["mine1"]


def _still(box: Any) -> bool:
    """Whether nothing writes to the workspace any more."""
    seen = []
    for _ in range(2):
        seen.append([(e.name, e.stat(follow_symlinks=False).st_mtime_ns) for e in os.scandir(box._running.workspace)])
        time.sleep(0.02)
    return seen[0] == seen[1]


def _decent(changes: tuple[Change, ...], mark: str) -> None:
    """The record of what was left holds nothing of the host, and no more than it may."""
    assert all(mark.encode() not in (c.content or b"") for c in changes if c.type == "file")
    assert all(not c.path.startswith("/") and not {"..", "."} & set(c.path.split("/")) for c in changes)
    assert sum(len(c.content or b"") for c in changes) <= 2 * CAPS.disk_mb << 20
    assert all(len(c.content or b"") <= CAPS.file_mb << 20 for c in changes)


def test_there_are_enough_of_them() -> None:
    assert len(ATTACKS) >= 45


def test_the_threat_model_says_what_each_tries() -> None:
    page = (HERE.parent.parent / "docs/threat-model.md").read_text()
    for name in ATTACKS:
        tries, must = (line.partition(": ")[2] for line in HEAD.findall((HERE / name).read_text())[0].splitlines())
        assert f"| `{name}` | {tries} | {must} | held | held |" in page
    assert page.count(" | held | held |\n") == len(ATTACKS)
    readme = (HERE.parent.parent / "README.md").read_text()
    assert f"0 and 0 of {len(ATTACKS)}" in readme and f"The {len(ATTACKS)} attacks" in readme


BITING = (
    "see-host-file.sh",
    "see-processes.py",
    "reach-host-loopback.py",
    "reach-abstract.py",
    "reach-socket-file.py",
    "reach-other-endpoint.py",
    "reach-raw.py",
    "trick-hard-link.sh",
)


@pytest.mark.parametrize("name", BITING)
def test_outside_of_a_box_they_gain(name: str, host: Host, tmp_path: Path) -> None:
    """Those that harm nobody: what they print in a box is worth something."""
    program = "bash" if name.endswith(".sh") else "python3"
    sleeper = subprocess.Popen(["sleep", "98765"])
    try:
        done = subprocess.run(
            [program, HERE / name], cwd=tmp_path, env=os.environ | host.variables, capture_output=True, text=True, check=False
        )
    finally:
        sleeper.kill()
        sleeper.wait()
    host.reached.clear()
    assert "GOT" in done.stdout
