"""Run inside a box: a Python that has imported what solutions and checks use, and runs scripts as forks of itself. Standard library only.

Jobs come one at a time: `job.json` beside this file, after a line into the pipe `in`; what comes of each is a line from the pipe `out`.
"""

import contextlib
import gc
import importlib
import json
import os
import re
import runpy
import select
import shlex
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

OWN = Path(__file__).resolve().parent
WORKSPACE = Path("/workspace")
USED = (
    *("collections", "configparser", "csv", "datetime", "decimal", "difflib", "email.message", "email.policy", "fractions", "hashlib"),
    *("html.parser", "importlib.util", "io", "itertools", "mailbox", "openpyxl", "sqlite3", "statistics", "string", "textwrap", "tomllib"),
    *("typing", "unittest", "unittest.mock", "unicodedata", "urllib.request", "xml.etree.ElementTree", "yaml", "zipfile"),
)
PYTHON = ("python3", "/usr/bin/python3")
SCRIPT = re.compile(r"python3 - <<'(\w+)'\n(.*\n)\1\n?", re.DOTALL)
PLAIN = re.compile(r"[\w./= -]+")  # a command in which the shell would find nothing to do


def planned(command: str) -> Callable[[], None] | None:
    """What a Python started by this command would do, where it does nothing but start one; None otherwise."""
    found = SCRIPT.fullmatch(command)
    if found and f"\n{found[1]}\n" not in found[2]:
        return lambda: run("<stdin>", found[2], ["-"], "")
    words = shlex.split(command) if PLAIN.fullmatch(command) else []
    if not words or words[0] not in PYTHON:
        return None
    flags = [w for w in words[1:] if w in ("-I", "-B")]
    rest = words[1 + len(flags) :]
    if words[1 : 1 + len(flags)] != flags or not rest:
        return None
    if rest[0].endswith(".py") and not rest[0].startswith("-"):
        return lambda: file(rest, isolated="-I" in flags, bytecode="-I" in flags and "-B" not in flags)
    if rest[:2] == ["-m", "unittest"] and not flags:
        return lambda: tests(rest[1:])
    return None


def run(name: str, text: str, argv: list[str], first: str | None) -> None:
    """A script as the main module; `first` is where it looks for modules first, if anywhere else than all do."""
    main = ModuleType("__main__")
    sys.modules["__main__"], sys.argv = main, argv
    sys.path[:0] = [] if first is None else [first]
    if name != "<stdin>":
        main.__dict__["__file__"] = name
    try:
        exec(compile(text, name, "exec"), main.__dict__)  # noqa: S102 (in a fork, in a box)
    finally:
        main.__dict__.clear()  # closes what the script left open


def file(argv: list[str], isolated: bool, bytecode: bool) -> None:
    sys.dont_write_bytecode = not bytecode  # the box's environment forbids it, of which an isolated Python takes no notice
    run(argv[0], Path(argv[0]).read_text(encoding="utf-8"), argv, None if isolated else str(Path(argv[0]).parent))


def tests(argv: list[str]) -> None:
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 (the same text as `python -m` puts there)
    sys.argv = argv
    runpy.run_module(argv[0], run_name="__main__", alter_sys=True)


def ended(work: Callable[[], None]) -> int:
    """Do it; the exit status that a Python would have come to."""
    try:
        work()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # what nobody catches ends a script with 1
        return 1
    finally:
        gc.collect()
    return 0


def foreign() -> bool:
    """Whether a module of the workspace has the name of one imported here, which a Python of its own might take in its place."""
    for folder, folders, files in os.walk(WORKSPACE):
        if any(f.endswith(".py") and f[:-3] in sys.modules and f != "__main__.py" for f in files):
            return True
        if any(name in sys.modules and Path(folder, name, "__init__.py").exists() for name in folders):
            return True
    return False


def do(command: str, workdir: str, timeout: float) -> str:
    """Run a command; its exit status as text (128 + n for signal n), "late" where its time ran out."""
    work = planned(command)
    pid = os.fork()
    if pid == 0:
        status = 126
        try:
            os.setsid()
            os.chdir(workdir or ".")
            if work is None or foreign():
                os.execv("/bin/bash", ["/bin/bash", "-c", command])  # noqa: S606 (the compiler's own command, in a box)
            status = ended(work)
        finally:
            os._exit(status & 0xFF)
    watch = os.pidfd_open(pid)
    waiting = select.poll()
    waiting.register(watch, select.POLLIN)
    late = not waiting.poll(timeout * 1000)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # it, if late, and what it left behind
    os.close(watch)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return "late" if late else str(status if status >= 0 else 128 - status)


def refill(files: list[tuple[str, int, int]]) -> str:
    """Empty the workspace and /tmp, and write these: [path, mode, size], contents one after another in the file `files`."""
    for place in (WORKSPACE, Path("/tmp")):  # noqa: S108 (the box's own)
        for entry in os.scandir(place):
            if entry.path == str(OWN):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)  # noqa: PTH108 (a path as text)
    with (OWN / "files").open("rb") as contents:
        for path, mode, size in files:
            target = WORKSPACE / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                file.write(contents.read(size))
                os.fchmod(file.fileno(), mode)
    return "0"


def answer(job: dict[str, Any]) -> str:
    return refill(job["files"]) if "files" in job else do(job["command"], job["workdir"], job["timeout"])


def main() -> None:
    requests, answers = (os.open(OWN / name, os.O_RDWR | os.O_CLOEXEC) for name in ("in", "out"))
    sys.path.remove(str(OWN))
    for name in USED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    os.chdir(WORKSPACE)
    gc.collect()
    gc.freeze()
    while os.read(requests, 1):
        try:
            said = answer(json.loads((OWN / "job.json").read_text(encoding="utf-8")))
        except Exception as error:
            said = f"error: {type(error).__name__}"
        os.write(answers, f"{said}\n".encode())


if __name__ == "__main__":
    main()
