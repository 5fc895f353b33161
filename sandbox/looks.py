"""Looks at a workspace that change nothing: commands that fit a file's kind, and the words that go with them.

What is looked for is taken from the task itself (a column, a quoted word, how many lines there are), never from what a tool said.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from sandbox.plays import Play
from sandbox.scene import Voice, suffix, text_of
from specs.records import File

SHOWN = 1500  # bytes of a file that one look shows at most
ENOUGH = 40  # lines that are read on in one go
BRIEF = 16  # lines of a list or of a result
FEW, MANY = 2, 8  # different values that a column worth counting has
PACKED = {"xlsx", "sqlite"}  # files that the tool read is not for

SKILL = (
    "The {name} skill is about this. I read it before I start.",
    "There is a skill for it, {name}; what does it say?",
    "First the notes of the {name} skill.",
    "I go through the {name} skill first, for its pitfalls.",
    "`{path}` should say how this is done well.",
)
LISTING = (
    "What else lies in `{path}`, and how large is it?",
    "How large are the files in `{path}`?",
    "A closer look at `{path}`.",
    "The sizes in `{path}`, before I open more.",
)
EVENTS = ("How many events are in `{path}`?", "I count the events in `{path}`.", "The number of events in `{path}`, to check against.")
MAILS = ("How many messages are in `{path}`?", "I count the messages in `{path}`.", "The number of messages in `{path}`, to check against.")
SIZE = (
    "How much is there in `{path}`?",
    "I count what `{path}` holds, so that the result can be checked against it.",
    "The size of `{path}`, before I write anything.",
    "How long is `{path}`?",
    "A count of `{path}` first.",
)
ENDING = (
    "And how does `{path}` end?",
    "Now the foot of `{path}`.",
    "The last lines of `{path}` too; not everything in a file has to be an entry.",
    "Does `{path}` end as it begins?",
)
REST = (
    "I go on reading `{path}` where that stopped.",
    "The lines after that as well, since an exception may hide further down in `{path}`.",
    "More of `{path}`.",
    "That was the beginning of `{path}`; the following lines.",
)
VALUES = (
    "Which values are there under `{column}`, and how often?",
    "`{column}` matters here. What does it hold?",
    "How are the values under `{column}` written, and are there blanks?",
    "A tally of `{column}` in `{path}`.",
)
SEARCH = (
    "Where does “{word}” stand in `{path}`?",
    "How is “{word}” written in `{path}`?",
    "I look for “{word}” in `{path}`.",
    "“{word}” is what it turns on; its lines in `{path}`.",
)
GLANCE = (
    "There is `{path}` as well. A glance, in case it matters.",
    "And what is `{path}`?",
    "I was not asked about `{path}`, but its first lines will tell whether it matters.",
    "`{path}` lies there too; the beginning of it.",
)
VERIFY = (
    "I read `{path}` back with a parser.",
    "Does `{path}` parse, and is it all there?",
    "`{path}` once more, as a program would read it.",
    "Is `{path}` sound? I parse it.",
    "What is in `{path}` now, counted from the file itself?",
)
REREAD = (
    "`{path}` as its reader will see it.",
    "I read `{path}` through once more.",
    "How does `{path}` read?",
    "`{path}` goes to somebody who was not here, so I read it with their eyes.",
)
ONLY = (
    "Is there nothing in `{path}` but what was asked for?",
    "What stands in `{path}` now?",
    "No stray files in `{path}`, I hope.",
)
LENGTHS = (
    "What went in and what came out, by length.",
    "Are the lengths plausible, beside each other?",
    "Inputs and results side by side, in lines.",
)

LINES = "[json.loads(line) for line in open({path!r}, encoding='utf-8-sig') if line.strip()]"
PROGRAMS = {  # what a file holds, by its kind
    "csv": "import csv; rows = list(csv.DictReader(open({path!r}, encoding='utf-8-sig'))); print(len(rows), 'rows', *rows[-1:])",
    "tsv": "import csv; rows = list(csv.reader(open({path!r}, newline=''), 'excel-tab')); print(len(rows) - 1, 'rows under', *rows[:1])",
    "json": "import json; data = json.load(open({path!r}, encoding='utf-8-sig')); print(len(data), str(data)[:200])",
    "jsonl": f"import json; rows = {LINES}; print(len(rows), 'rows', *rows[-1:])",
    "yaml": "import yaml; data = yaml.safe_load(open({path!r}, encoding='utf-8-sig')); print(len(data), str(data)[:200])",
    "toml": "import tomllib; print(str(tomllib.load(open({path!r}, 'rb')))[:300])",
    "ini": "import configparser; p = configparser.ConfigParser(); p.read({path!r}); print([(s, len(p[s])) for s in p.sections()])",
    "xml": "import xml.etree.ElementTree as ET; root = ET.parse({path!r}).getroot(); print(root.tag, len(root), [e.tag for e in root[:1]])",
    "py": "import ast; print([n.name for n in ast.parse(open({path!r}).read()).body if hasattr(n, 'name')])",
    "xlsx": "import openpyxl; print([(s.title, s.max_row, s.max_column) for s in openpyxl.load_workbook({path!r}, read_only=True)])",
    "sqlite": """import sqlite3
db = sqlite3.connect({uri!r}, uri=True)
for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
    print(name, db.execute(f'SELECT count(*) FROM "{{name}}"').fetchone()[0])""",
}
COUNTS = {  # the words, and what is counted
    "ics": (EVENTS, "grep -c '^BEGIN:VEVENT' {path}"),
    "mbox": (MAILS, "grep -c '^From ' {path}"),
    "html": (SIZE, "grep -o '<tr' {path} | wc -l"),
}
TALLIES = {  # the rows of a file, whose kind is also the module that reads it
    "csv": "rows = list(csv.DictReader(open({path!r}, encoding='utf-8-sig')))",
    "json": "rows = json.load(open({path!r}, encoding='utf-8-sig'))",
    "jsonl": f"rows = {LINES}",
}
TALLY = "import {module}, collections; {rows}; print(collections.Counter(r.get({column!r}) for r in rows).most_common())"


def python(program: str) -> str:
    """A command that runs the program: on one line where the shell leaves it alone, else as a here-document."""
    if not re.search(r'["$`\\!\n]', program):
        return f'python3 -c "{program}"'
    return f"python3 - <<'EOF'\n{program}\nEOF"


def rows_of(file: File) -> list[dict[str, Any]]:
    """The rows of a CSV, JSON or JSONL file that is a plain list of them, else none."""
    text, kind = text_of(file), suffix(file.path)
    try:
        if kind == "csv":
            found: Any = list(csv.DictReader(io.StringIO(text)))
        elif kind == "json":
            found = json.loads(text)
        elif kind == "jsonl":
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            return []
    except (ValueError, csv.Error, RecursionError):
        return []
    return found if isinstance(found, list) and all(isinstance(row, dict) for row in found) else []


def skill(voice: Voice, name: str, path: str) -> Play:
    """Read how a kind of work is done."""
    return Play(voice.says(SKILL, name=name, path=path), "read", {"path": path})


def listing(voice: Voice, folder: str) -> Play:
    """List a folder of the workspace."""
    return Play(voice.says(LISTING, path=folder), "exec", {"command": f"ls -l {shlex.quote(folder)} | head -n {BRIEF}"})


def size(voice: Voice, file: File) -> Play | None:
    """How much a file holds, counted as fits its kind."""
    kind = suffix(file.path)
    if kind == "py":
        return None
    says, count = COUNTS.get(kind, (SIZE, "wc -l {path}"))
    command = _parsing(file.path) if kind in PROGRAMS else count.format(path=shlex.quote(file.path))
    return Play(voice.says(says, path=file.path), "exec", {"command": command})


def ending(voice: Voice, file: File) -> Play | None:
    """The last lines of a text."""
    if text_of(file).count("\n") < ENOUGH // 2:
        return None
    command = f"tail -n 4 {shlex.quote(file.path)} | cut -c -{SHOWN // 5}"
    return Play(voice.says(ENDING, path=file.path), "exec", {"command": command})


def rest(voice: Voice, file: File, start: int) -> Play | None:
    """Read on in a text from that line (counted from 1), as far as is short enough to be read."""
    lines = text_of(file).splitlines()[start - 1 : start - 1 + ENOUGH]
    shown = 0
    while shown < len(lines) and len("\n".join(lines[: shown + 1]).encode()) <= SHOWN:
        shown += 1
    if not shown:
        return None
    return Play(voice.says(REST, path=file.path), "read", {"path": file.path, "offset": start, "limit": shown})


def values(voice: Voice, file: File, instruction: str) -> Play | None:
    """The values of a column that the instruction names and that has few."""
    rows, kind = rows_of(file), suffix(file.path)
    named = [name for name in (rows[0] if rows else ()) if isinstance(name, str) and re.search(rf"\b{re.escape(name)}\b", instruction)]
    fit = [name for name in named if not any(isinstance(row.get(name), list | dict) for row in rows)]
    fit = [name for name in fit if FEW <= len({row.get(name) for row in rows}) <= MANY]
    if not fit:
        return None
    column = voice.rng.choice(fit)
    program = TALLY.format(module=kind.removesuffix("l"), rows=TALLIES[kind].format(path=file.path), column=column)
    return Play(voice.says(VALUES, column=column, path=file.path), "exec", {"command": python(program)})


def search(voice: Voice, file: File, instruction: str) -> Play | None:
    """The lines with a word that the instruction quotes."""
    text = text_of(file)
    fit = sorted({word for word in re.findall(r"“([^”\n]{2,40})”", instruction) if word in text})
    if not fit:
        return None
    word = voice.rng.choice(fit)
    command = f"grep -n -m 5 -F -e {shlex.quote(word)} {shlex.quote(file.path)} | cut -c -{SHOWN // 5}"
    return Play(voice.says(SEARCH, word=word, path=file.path), "exec", {"command": command})


def glance(voice: Voice, file: File) -> Play | None:
    """The beginning of a file that nobody asked about."""
    if suffix(file.path) in PACKED:
        return size(voice, file)
    if not text_of(file):
        return None
    command = f"head -n 5 {shlex.quote(file.path)} | cut -c -{SHOWN // 5}"
    return Play(voice.says(GLANCE, path=file.path), "exec", {"command": command})


def verify(voice: Voice, path: str) -> Play:
    """A result, read back as fits its kind."""
    kind = suffix(path)
    if kind in PROGRAMS:
        return Play(voice.says(VERIFY, path=path), "exec", {"command": _parsing(path)})
    if kind in ("md", "txt"):
        return Play(voice.says(REREAD, path=path), "read", {"path": path, "limit": BRIEF})
    if kind in COUNTS:
        says, count = COUNTS[kind]
        return Play(voice.says(says, path=path), "exec", {"command": count.format(path=shlex.quote(path))})
    return Play(voice.says(ONLY, path=path), "exec", {"command": f"ls -A {shlex.quote(path)} | tail -n {BRIEF}"})


def only(voice: Voice, folder: str) -> Play:
    """What lies in a folder of results."""
    return Play(voice.says(ONLY, path=folder), "exec", {"command": f"ls -A {shlex.quote(folder)} | head -n {BRIEF}"})


def lengths(voice: Voice, paths: Sequence[str]) -> Play:
    """Files beside each other, in lines."""
    return Play(voice.says(LENGTHS), "exec", {"command": f"wc -l {' '.join(shlex.quote(path) for path in paths)}"})


def _parsing(path: str) -> str:
    """A command that parses a file and says what it holds. A database is opened so that nothing can be left beside it."""
    return python(PROGRAMS[suffix(path)].format(path=path, uri=f"file:{quote(path)}?immutable=1"))
