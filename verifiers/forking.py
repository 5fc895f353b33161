"""Run inside a box: a Python that has imported what solutions and checks use, and runs scripts as forks of itself. Standard library only.

Jobs come one at a time through the fifo `.in` of the workspace: two lengths (4 bytes each, big-endian), a JSON head and a body. What comes
of each is a line from the fifo `.out`.
"""

import contextlib
import gc
import importlib
import itertools
import json
import os
import re
import runpy
import select
import shlex
import signal
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import refilling  # type: ignore[import-not-found]  # beside this file, in a box

OWN = Path(__file__).resolve().parent
WORKSPACE = Path("/workspace")
LENGTHS = struct.Struct(">II")
USED = (
    *("collections", "configparser", "csv", "datetime", "decimal", "importlib.util", "io", "itertools", "textwrap", "typing"),
    *("_strptime", "encodings.utf_8_sig"),
)
# What takes long to import, by a word of scripts that use it, the dearest first. A server of its own has each, for what a process holds
# makes its forks dear.
MORE = {
    "openpyxl": ("openpyxl", "encodings.cp437", "yaml"),
    "email": ("email.message", "email.parser", "email.policy", "mailbox"),
    "unittest": ("unittest", "unittest.async_case"),
    "xml": ("xml.etree.ElementTree",),
    "yaml": ("yaml",),
    "sqlite3": ("sqlite3",),
}
PYTHON = ("python3", "/usr/bin/python3")
SCRIPT = re.compile(r"python3 - <<'(\w+)'\n(.*\n)\1\n?", re.DOTALL)
MOST_OPEN = 64  # descriptors of this server, and some more
MOST_WORDS = 8  # of a command that only starts a script
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
    path = Path(argv[0]).absolute()
    run(str(path), path.read_text(encoding="utf-8"), argv, None if isolated else str(path.parent))


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


def child(work: Callable[[], int]) -> int:
    """A fork in a session of its own, without this server's descriptors, that ends with the status that `work` comes to; its pid."""
    pid = os.fork()
    if pid == 0:
        status = 126
        try:
            os.setsid()
            status = work()
        finally:
            os._exit(status & 0xFF)
    return pid


def awaited(pid: int, timeout: float) -> str:
    """The exit status of a child as text (128 + n for signal n), "late" where its time ran out; what it left behind is ended, too."""
    watch = os.pidfd_open(pid)
    waiting = select.poll()
    waiting.register(watch, select.POLLIN)
    late = not waiting.poll(timeout * 1000)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.close(watch)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return "late" if late else str(status if status >= 0 else 128 - status)


def alone(command: str, workdir: str, timeout: float) -> str:
    """Run one command; its status as `awaited` tells it."""
    work = planned(command)

    def this() -> int:
        os.closerange(3, MOST_OPEN)
        os.chdir(workdir or ".")
        if work is None or foreign():
            os.execv("/bin/bash", ["/bin/bash", "-c", command])  # noqa: S606 (the compiler's own command, in a box)
        return ended(work)

    return awaited(child(this), timeout)


def together(steps: list[tuple[str, str, float]]) -> list[str]:
    """Run scripts one after another in one child, as far as that goes; the statuses of those that ran. Each begins as a Python does, but
    that what one of them does to a library's module stays for the next."""
    said, saying = os.pipe()

    def these() -> int:
        os.dup2(saying, 3, inheritable=False)  # what a script leaves running must not keep it open
        os.closerange(4, MOST_OPEN)
        path, environment, modules = list(sys.path), dict(os.environ), set(sys.modules)
        for command, workdir, _ in steps:
            os.chdir(WORKSPACE / workdir)
            if foreign():
                return 0
            sys.path[:] = path
            for name in set(sys.modules) - modules:
                if (getattr(sys.modules[name], "__file__", None) or "").startswith((str(WORKSPACE), "/tmp")):  # noqa: S108
                    del sys.modules[name]
            if dict(os.environ) != environment:
                os.environ.clear()
                os.environ.update(environment)
            work = planned(command)
            os.write(3, b"%d " % (ended(work) if work else 126))
        return 0

    end = awaited(child(these), sum(timeout for *_, timeout in steps))
    os.close(saying)
    with open(said, "rb") as pipe:  # noqa: PTH123 (a descriptor)
        done = pipe.read().decode().split()
    return done if end == "0" else [*done, end]


def do(steps: list[tuple[str, str, float]]) -> str:
    """Run commands, [command, directory, seconds] each; their statuses, up to one that is late."""
    said: list[str] = []
    while len(said) < len(steps) and "late" not in said:
        scripts = list(itertools.takewhile(lambda step: planned(step[0]) is not None, steps[len(said) :]))
        done = together(scripts) if len(scripts) > 1 else []
        said += done or [alone(*steps[len(said)])]
    return " ".join(said)


def receive(source: int, size: int) -> bytes:
    """So many bytes; ends this process where the other side hung up."""
    parts = list[bytes]()
    while size > 0:
        parts.append(os.read(source, size))
        if not parts[-1]:
            os._exit(0)
        size -= len(parts[-1])
    return b"".join(parts)


def needed(steps: list[tuple[str, str, float]]) -> str:
    """The dearest word of MORE in these commands or in the scripts that they name; empty where there is none."""
    text = ""
    for command, workdir, _ in steps:
        words = command.split()
        text += command
        if len(words) < MOST_WORDS and words[-1:] and words[-1].endswith(".py"):
            with contextlib.suppress(OSError, ValueError):
                text += (WORKSPACE / workdir / words[-1]).read_text(encoding="utf-8")
    return next((word for word in MORE if word in text), "")


class Server:
    """A fork of the first server that has imported more, made when it is first needed."""

    def __init__(self, word: str) -> None:
        (there, self.jobs), (self.said, back) = os.pipe(), os.pipe()
        if os.fork() == 0:
            for end in range(3, MOST_OPEN):
                if end not in (there, back):
                    with contextlib.suppress(OSError):
                        os.close(end)
            serve(there, back, MORE[word])
        os.close(there)
        os.close(back)

    def do(self, head: bytes) -> str:
        os.write(self.jobs, LENGTHS.pack(len(head), 0) + head)
        return os.read(self.said, 4096).decode().strip()


def serve(requests: int, answers: int, names: tuple[str, ...]) -> None:
    """Import these and do jobs until the other side hangs up."""
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    if "CSafeLoader" in vars(sys.modules.get("yaml", sys)):
        vars(sys.modules["yaml"])["SafeLoader"] = vars(sys.modules["yaml"])["CSafeLoader"]  # the same values, many times as fast
    gc.collect()
    gc.freeze()
    filled, others = refilling.Filled(str(WORKSPACE), {str(OWN)}), dict[str, Server]()
    while True:
        size, length = LENGTHS.unpack(receive(requests, LENGTHS.size))
        head, body = receive(requests, size), receive(requests, length)
        try:
            job = json.loads(head)
            more = needed(job.get("steps", [])) if names is USED else ""
            if "files" in job:
                said = filled.refill(job["files"], body)
            elif more:
                others[more] = others.get(more) or Server(more)
                said = others[more].do(head)
            else:
                said = do(job["steps"])
        except Exception as error:
            said = f"error: {type(error).__name__}"
        os.write(answers, f"{said}\n".encode())


def main() -> None:
    requests, answers = os.open(WORKSPACE / ".in", os.O_RDONLY), os.open(WORKSPACE / ".out", os.O_WRONLY)
    sys.path.remove(str(OWN))
    os.chdir(WORKSPACE)
    serve(requests, answers, USED)


if __name__ == "__main__":
    main()
