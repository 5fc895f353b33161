"""Small tasks with solutions and verifiers in which every look and every mistake of the scripted teacher has its place."""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import making
import openpyxl

from sandbox import tools
from sandbox.box import open_box
from sandbox.plays import Play
from specs.records import Change, Limits, Solution, Task, Verifier

SKILL = "---\nname: ledger\ndescription: lists of rows\n---\n\n# Ledgers\n\nRead all rows.\n"
FEES = "ref,payer,fee,standing\n" + "".join(f"F{n:03},payer {n % 5},{n * 3}.50,{'paid' if n % 3 else 'owed'}\n" for n in range(30))
SUMS = """python3 - <<'EOF'
import csv, os
from decimal import Decimal
from collections import Counter

with open('papers/fees-list.csv', newline='') as f:
    rows = [r for r in csv.DictReader(f) if r['standing'] == 'paid']
counts = Counter(r['payer'] for r in rows)
os.makedirs('out', exist_ok=True)
with open('out/sums.csv', 'w', newline='') as f:
    csv.writer(f).writerows([('payer', 'rows')] + sorted(counts.items()))
EOF"""
NOTE = "Entries: 20\n"
MODULE = "def largest(values):\n    ordered = sorted(values)\n    return ordered[0]\n"
TEST = """import unittest

from pack import largest


class Largest(unittest.TestCase):
    def test_it(self):
        self.assertEqual(largest([1, 3, 2]), 3)
"""
PERIOD = """python3 - <<'EOF'
import json, os

rows = json.load(open('My papers/Fees 2026.json'))
os.makedirs('Out of it', exist_ok=True)
json.dump([r for r in rows if r['standing'] == 'paid'], open('Out of it/Paid ones.json', 'w'))
EOF"""
EVERYTHING = Limits(steps=100, seconds=120, tokens=40_000)


def ledger(number: int = 0, **fields: Any) -> tuple[Task, Solution]:
    """A list to be counted and a note about it; another copy of the list, and a skill."""
    files: dict[str, bytes | str] = {
        ".skills/ledger/SKILL.md": SKILL,
        "papers/fees-list.csv": FEES,
        "papers/old/fees-list.csv": FEES.replace("paid", "owed"),
        "papers/notes.md": "# Notes\n\nNothing.\n",
    }
    instruction = (
        f"{number}: count the rows that are “paid” under `standing` by payer in `papers/fees-list.csv`, and say how many they are."
    )
    outputs = ("out/sums.csv", "out/notes/note.md")
    task = making.task(files, instruction, outputs, identity(number), **{"limits": EVERYTHING, **fields})
    steps = [
        ("exec", {"command": "find . -type f | sort | head -n 60"}, "What is here?"),
        ("read", {"path": "papers/fees-list.csv", "limit": 12}, "Now `papers/fees-list.csv`."),
        ("exec", {"command": SUMS}, "I count them."),
        ("write", {"path": "out/notes/note.md", "content": NOTE}, "Now the note."),
        ("exec", {"command": "head -n 6 out/sums.csv && head -n 6 out/notes/note.md"}, "A last look."),
        ("", {}, "Both are written."),
    ]
    return task, making.solution(steps, task.id)


def package(number: int = 0, **fields: Any) -> tuple[Task, Solution]:
    """A module with a fault, its README and a test."""
    files: dict[str, bytes | str] = {"lib/pack.py": MODULE, "lib/README.md": "The largest value.\n", "lib/test_pack.py": TEST}
    task = making.task(files, f"{number}: `lib/pack.py` is wrong.", ("lib/pack.py",), identity(number), **{"limits": EVERYTHING, **fields})
    run = {"command": "python3 -m unittest -q", "workdir": "lib"}
    edit = {"oldText": "    return ordered[0]\n", "newText": "    return ordered[-1]\n"}
    steps = [
        ("exec", {"command": "cat README.md && python3 -m unittest -q", "workdir": "lib"}, ""),
        ("read", {"path": "lib/pack.py"}, "The module."),
        ("edit", {"path": "lib/pack.py", "edits": [edit]}, "This line."),
        ("exec", run, "And the test."),
        ("", {}, "Mended."),
    ]
    return task, making.solution(steps, task.id)


def blanks(number: int = 0, **fields: Any) -> tuple[Task, Solution]:
    """Names with blanks in them."""
    rows = [{"ref": f"F{n}", "standing": "paid" if n % 2 else "owed"} for n in range(20)]
    files: dict[str, bytes | str] = {"My papers/Fees 2026.json": json.dumps(rows, indent=1)}
    outputs = ("Out of it/Paid ones.json",)
    task = making.task(
        files, f"{number}: those that are “paid” as `standing`.", outputs, identity(number), **{"limits": EVERYTHING, **fields}
    )
    steps = [
        ("read", {"path": "My papers/Fees 2026.json", "limit": 12}, "`My papers/Fees 2026.json`, to begin with."),
        ("exec", {"command": PERIOD}, "Picking."),
        ("exec", {"command": "head -n 6 'Out of it/Paid ones.json'"}, "Is it right?"),
        ("", {}, "Picked."),
    ]
    return task, making.solution(steps, task.id)


def verifier_of(task: Task) -> Verifier:
    """Of a ledger's counts, or of what is picked where names have blanks."""
    counts = [[f"payer {n}", "4"] for n in range(5)], [{"name": "payer", "type": "text"}, {"name": "rows", "type": "integer"}]
    picked = [[f"F{n}", "paid"] for n in range(1, 20, 2)], [{"name": name, "type": "text"} for name in ("ref", "standing")]
    path = task.outputs[0]
    rows, columns = counts if path.endswith(".csv") else picked
    params = {"path": path, "format": Path(path).suffix[1:], "columns": columns, "rows": rows, "ordered": False, "iso_dates": False}
    return making.verifier([{"kind": "table", "params": params}], task.id)


def identity(number: int) -> str:
    return f"{number:012x}"


def sqlite_bytes(folder: Path) -> bytes:
    path = folder / "made.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE fees (ref TEXT)")
        db.execute("INSERT INTO fees VALUES ('F1')")
    return path.read_bytes()


def xlsx_bytes() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["ref", "fee"])
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def played(task: Task, plays: Iterable[Play]) -> tuple[list[str], tuple[Change, ...]]:
    """What the tools say to each call in a fresh box, and what is left there."""
    with open_box(task.workspace) as box:
        return [tools.call(box, play.tool, play.arguments) for play in plays if play.tool], box.snapshot()
