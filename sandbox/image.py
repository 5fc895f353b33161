"""The image of Docker boxes: the system's own packages as they are installed here, so that no registry is asked.

`python -m sandbox.image` builds it; its tag names what is in it, so it is built anew where a package or our runner changed.
"""

from __future__ import annotations

import base64
import functools
import io
import os
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox import bwrap, engine, spawning
from sandbox.faults import BoxError
from specs import digests, errors

NAME = "clawgym-box"
_building = threading.Lock()  # of two boxes that are started at once, one makes the image
PACKAGES = (
    *("python3", "python3-yaml", "python3-openpyxl", "bash", "coreutils", "findutils", "grep", "sed", "gawk", "mawk", "diffutils", "tar"),
    *("gzip", "bzip2", "xz-utils", "zip", "unzip", "file", "less", "jq", "sqlite3", "procps", "util-linux", "git", "patch", "bc"),
)
_SKIPPED = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/lintian/", "/usr/share/info/", "/usr/share/git-core/")
RUNNER = "/run/runner.pyc"
_COMPILE = """
import importlib.util as util, marshal, sys
text = sys.stdin.buffer.read()
unchecked = (1).to_bytes(4, "little")  # PEP 552: a hash that nobody compares
code = marshal.dumps(compile(text, sys.argv[1].removesuffix("c"), "exec"))
sys.stdout.buffer.write(util.MAGIC_NUMBER + unchecked + util.source_hash(text) + code)
"""
_DIRECTORIES = {"workspace": 0o755, "tmp": 0o1777, "proc": 0o755, "sys": 0o755, "dev": 0o755, "run": 0o755, "etc": 0o755}


@functools.cache
def tag() -> str:
    """The image's name and tag: of the versions of all packages in it, and of the runner's code."""
    code = [digests.of_bytes(spawning.source(name)) for name in ("inbox", *spawning.BESIDE)]
    return f"{NAME}:{digests.digest([sorted(_versions().items()), *code])[:16]}"


def build(api: Any) -> str:
    """Build the image with the engine behind a docker.APIClient, if it is not there; its tag. Raises BoxError."""
    name = tag()
    with _building:
        if api.images(name=name, quiet=True):
            return name
        said = api.import_image_from_data(_archive(), repository=name.partition(":")[0], tag=name.partition(":")[2])
    if "error" in str(said).lower():
        raise BoxError(f"the image can't be imported: {said}")
    return name


def runner(rlimits: Mapping[str, int], program: bytes) -> list[str]:
    """The command line of our runner in a container, with a filter of system calls that it is to lay."""
    limits = (f"{name}={value}" for name, value in rlimits.items())
    return [*spawning.PYTHON, RUNNER, base64.b64encode(program).decode(), *limits]


def _programs() -> dict[str, bytes]:
    """Our own code by path: the runner, compiled by the Python that will run it, and what lies beside it. Raises BoxError without that."""
    line = [*spawning.PYTHON, "-c", _COMPILE, RUNNER]
    try:
        compiled = subprocess.run(line, input=spawning.source("inbox"), capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise BoxError(f"the system's Python, which boxes run, does not: {error}") from error
    return {RUNNER: compiled} | {f"/run/{name}.py": spawning.source(name) for name in spawning.BESIDE}


def _versions() -> dict[str, str]:
    """Versions of the packages in the image: those named that are installed here, and all that these depend on."""
    asked = [
        "/usr/bin/dpkg-query",
        "-W",
        "-f",
        "${Package}\t${Version}\t${Status}\t${Essential}\t${Pre-Depends}, ${Depends}\t${Provides}\n",
    ]
    known, provided, essential = dict[str, tuple[str, str]](), dict[str, str](), list[str]()
    for line in subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines():
        package, version, status, always, depends, provides = line.split("\t")
        if not status.endswith(" installed"):
            continue
        known[package] = version, depends
        provided |= {name: package for name in _names(provides)}
        essential += [package] if always == "yes" else []
    found, todo = dict[str, str](), [*essential, *PACKAGES]
    while todo:
        package = todo.pop()
        package = package if package in known else provided.get(package, "")
        if package and package not in found:
            found[package] = known[package][0]
            todo += _names(known[package][1])
    return found


def _names(relation: str) -> list[str]:
    """Names of the packages in a relation, without versions, architectures and who is an alternative to whom."""
    return [part.strip().split(" ")[0].split(":")[0] for part in relation.replace("|", ",").split(",") if part.strip()]


def _archive() -> bytes:
    """The image's file system as a tar; owned by root, with no time of its own."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, mode in _DIRECTORIES.items():
            _add(archive, name, mode, tarfile.DIRTYPE)
        for link, target in bwrap.LINKS.items():
            _add(archive, link[1:], 0o777, tarfile.SYMTYPE, target)
        for path, content in {**{p: t.encode() for p, t in bwrap.STUBS.items()}, **_programs()}.items():
            _add(archive, path[1:], 0o644, tarfile.REGTYPE, content=content)
        for path in sorted(set(_files())):
            _file(archive, path)
    return buffer.getvalue()


def _files() -> Iterator[str]:
    """Paths of all packages' files beneath /usr, of the commands that are links to them, and of what the linker and such links need."""
    yield "/etc/ld.so.cache"
    yield from (str(p) for p in Path("/etc/alternatives").iterdir())
    listed = subprocess.run(["/usr/bin/dpkg-query", "-L", *sorted(_versions())], capture_output=True, text=True, check=True).stdout
    found = {f"{os.path.realpath(folder)}/{name}" for folder, _, name in (line.rpartition("/") for line in listed.splitlines())}
    yield from (path for path in found if path.startswith("/usr/") and not path.startswith(_SKIPPED))
    yield from (str(p) for p in Path("/usr/bin").iterdir() if p.is_symlink() and os.path.realpath(p) in found)


def _file(archive: tarfile.TarFile, path: str) -> None:
    here = Path(path)
    if here.is_symlink():
        _add(archive, path[1:], 0o777, tarfile.SYMTYPE, str(here.readlink()))
    elif here.is_dir():
        _add(archive, path[1:], 0o755, tarfile.DIRTYPE)
    elif here.is_file():
        mode = here.stat().st_mode & 0o755  # nothing in it runs as another user
        _add(archive, path[1:], mode, tarfile.REGTYPE, content=here.read_bytes())


def _add(archive: tarfile.TarFile, path: str, mode: int, kind: bytes, target: str = "", content: bytes = b"") -> None:
    info = tarfile.TarInfo(path)
    info.type, info.mode, info.linkname, info.size = kind, mode, target, len(content)
    archive.addfile(info, io.BytesIO(content))


def main(argv: Sequence[str]) -> int:
    """`python -m sandbox.image`: build it where it is not there, and say its name."""
    print(build(engine.connect()))
    return 0


if __name__ == "__main__":
    errors.run(main)
