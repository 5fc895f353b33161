"""A box opened, used and closed, and a call in an open one, against a bare start of the same Python outside any box."""

from __future__ import annotations

import subprocess

from benchmarks.timing import compare, show
from sandbox.box import Caps, open_box
from specs import records

FILES = [records.file_of(f"folder/{n}.csv", b"a,b\n1,2\n" * 50) for n in range(20)]


def bare() -> None:
    """The reference: start the box's Python and do nothing."""
    subprocess.run(["/usr/bin/python3", "-c", "pass"], check=True)


def whole() -> None:
    """Open with 20 files, one command, snapshot, close."""
    with open_box(FILES, Caps()) as box:
        box.exec("echo x > new.txt")
        box.snapshot()


def main() -> None:
    """`python -m benchmarks.boxes`."""
    show("open, exec, snapshot, close", compare(whole, bare, 30), "a bare start of Python")
    with open_box(FILES, Caps()) as box:
        show("exec in an open box", compare(lambda: box.exec("true"), bare, 100), "a bare start of Python")


if __name__ == "__main__":
    main()
