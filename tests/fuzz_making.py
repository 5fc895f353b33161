"""For the fuzz corpus: right answers of every kind and format, and what other libraries read in bytes."""

from __future__ import annotations

import configparser
import io
import itertools
import json
import re
import tomllib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import making
import pyarrow as pa
import pyarrow.csv as pacsv
from icalendar import Calendar
from markdown_it import MarkdownIt
from ruamel.yaml import YAML

from generators import artifacts
from generators.artifacts import Artifact
from generators.relations import Column, Relation
from specs.records import Change, Task, Verifier, change_of, deletion

EXAMPLES, LEAST = 2600, 2000
TABLE = Relation(
    "paid",
    "payment",
    "payments",
    (
        Column("payee", "party"),
        Column("paid", "when"),
        Column("seen", "at"),
        Column("amount", "measure", decimals=2, unit="EUR"),
        Column("entries", "span"),
        Column("note", "text"),
    ),
    (
        ("Ørsted, Lang & Co", date(2026, 3, 9), datetime(2026, 3, 9, 14, 5), Decimal("1234.50"), 3, 'the "Tin" | box'),
        ("Aldi", date(2026, 4, 3), None, Decimal("-7.25"), 12, "no"),
        ("Jüri Žukov", None, datetime(2026, 12, 1, 9, 0), Decimal("12.50"), 1, None),
        ("true", date(2027, 1, 31), datetime(2027, 1, 31, 23, 59), Decimal("0.05"), 1000, "1.50"),
    ),
)
TREE = Relation(
    "settings",
    "setting",
    "settings",
    (Column("path", "path"), Column("value", "json")),
    tuple(
        (path, json.dumps(value, ensure_ascii=False))
        for path, value in {
            "server.port": 8080,
            "server.host": "a.example",
            "alarms.email": True,
            "alarms.every": 2.5,
            "zones.north.label": "Süd, 12",
            "zones.north.open": "18:30",
        }.items()
    ),
)
EVENTS = Relation(
    "events",
    "event",
    "events",
    (Column("title", "title"), Column("at", "at"), Column("span", "span"), Column("place", "place")),
    (
        ("Supper; with Maud, at eight", datetime(2026, 3, 9, 20, 0), 90, "Long Room"),
        ("Visit", datetime(2026, 3, 10, 8, 15), 45, None),
        ("Äpfel " + "pflücken " * 9, datetime(2026, 12, 31, 23, 30), 60, "Garden"),
    ),
)
FACTS = Relation(
    "facts",
    "fact",
    "facts",
    (Column("total", "measure", decimals=2, unit="EUR"), Column("busiest", "party"), Column("day", "when")),
    ((Decimal("1234.50"), "Ørsted", date(2026, 3, 9)),),
)


@dataclass(frozen=True)
class Right:
    """A right answer: what it is graded by, its bytes, and what another library reads in bytes (None: nothing sensible)."""

    name: str
    task: Task
    verifier: Verifier
    path: str
    content: bytes
    said: Callable[[bytes], Any]
    others: tuple[Change, ...] = ()

    def left(self, data: bytes) -> tuple[Change, ...]:
        """The outcome with these bytes in its one file."""
        return (change_of(self.path, data), *self.others)


def right(kind: str, form: str, answer: Relation, said: Callable[[bytes], Any], **details: Any) -> Right:
    artifact = Artifact(kind, f"out/it.{form}", form, tuple(c.name for c in answer.columns), details=details)
    module = artifacts.of(artifact)
    (change,) = module.changes(artifact, answer)
    verifier = making.verifier([{"kind": kind, "params": module.check(artifact, answer)}])
    return Right(f"{kind} {form}", making.task({"in.txt": "x"}), verifier, artifact.path, change.content, said)


# What is said, by other libraries


def plain(text: Any) -> str:
    return unicodedata.normalize("NFC", str(text).replace("\r\n", "\n").replace("\r", "\n").strip())


def cell(text: Any, role: str) -> Any:
    if text is None or plain(text) == "":
        return None
    text = plain(text)
    if role in ("measure", "span"):
        return round(float(re.sub(r"\s*EUR$", "", text, flags=re.I).replace(",", "")), 6)
    if role == "when":
        return date(*map(int, re.split("[-/.]", text)))
    if role == "at":
        return datetime.fromisoformat(text.replace(" ", "T"))
    return text.lower() if text.lower() in ("true", "false") else text


def table(header: list[Any], rows: list[list[Any]]) -> Any:
    names = [plain(h).casefold() for h in header]
    roles = {c.name: c.role for c in TABLE.columns}
    found = [[cell(row[names.index(c)], roles[c]) for c in sorted(names)] for row in rows if len(row) == len(names)]
    return sorted(names), sorted(map(repr, found))


def delimited(sign: str) -> Callable[[bytes], Any]:
    def said(data: bytes) -> Any:
        width = len(TABLE.columns)
        data = re.sub(
            rb"(?m)^ +\r?$", b"", data
        )  # rules of ours: a line of blanks is no row, blanks before a quoted cell are no part of it
        data = re.sub(rb'(?m)(^|,) +"', rb'\1"', data) if sign == "," else data
        read = pacsv.read_csv(
            io.BytesIO(data),
            read_options=pacsv.ReadOptions(autogenerate_column_names=True, use_threads=False),
            parse_options=pacsv.ParseOptions(delimiter=sign, newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(column_types={f"f{n}": pa.string() for n in range(width)}, strings_can_be_null=False),
        )
        header, *rows = zip(*read.to_pydict().values(), strict=True)
        return table(list(header), [list(row) for row in rows])

    return said


def objects(value: Any) -> Any:
    while isinstance(value, dict):
        (value,) = value.values()
    return table(list(value[0]), [[row[name] for name in value[0]] for row in value])


def markdown(data: bytes) -> Any:
    lines = [
        line.strip(" \t") for line in text(data).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    ]  # rules of ours: indenting is of
    lines = [line if "|" in line else f"\n{line}" for line in lines]  # no account, and a line without a bar is no row
    tokens = MarkdownIt("commonmark").enable("table").parse("\n".join(lines))
    cells: list[list[str]] = []
    for before, token in itertools.pairwise(tokens):
        if before.type == "tr_open":
            cells.append([])
        if before.type in ("th_open", "td_open"):
            cells[-1].append(
                "".join(
                    c.content
                    if c.type in ("text", "text_special", "code_inline")
                    else "\n"
                    if "br" in c.content or "break" in c.type
                    else c.content
                    for c in token.children or []
                )
            )
    return table(cells[0], cells[1:])


def yaml(data: bytes) -> Any:
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 1)  # type: ignore[assignment]
    return reader.load(re.sub("[\u2028\u2029\x85]", "\n", text(data)).replace("\ufeff", ""))  # line ends and marks of YAML 1.1


def ini(data: bytes) -> Any:
    parser = configparser.ConfigParser(interpolation=None, comment_prefixes=("#", ";"), delimiters=("=", ":"), empty_lines_in_values=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string("\n".join(line.strip(" \t") for line in text(data).split("\n")))  # indenting is of no account
    return {f"{section}.{key}": scalar(value) for section in parser.sections() for key, value in parser.items(section)}


def scalar(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {"true": True, "yes": True, "on": True}.get(text.lower(), text.strip("'"))


def leaves(value: Any, way: str = "") -> Any:
    if isinstance(value, dict):
        return {k: v for name, below in value.items() for k, v in leaves(below, f"{way}.{name}" if way else str(name)).items()}
    return {way: value if isinstance(value, bool) else round(float(value), 6) if isinstance(value, int | float) else plain(value)}


def calendar(data: bytes) -> Any:
    found = []
    for event in Calendar.from_ical(data.decode("utf-8-sig")).walk("VEVENT"):
        start, end, length = (event.get(name) for name in ("DTSTART", "DTEND", "DURATION"))
        begin = start.dt.replace(tzinfo=None)
        minutes = (end.dt.replace(tzinfo=None) - begin if end else length.dt).total_seconds() / 60
        found.append((plain(event["SUMMARY"]), begin, minutes, plain(event.get("LOCATION", ""))))
    place = {title: where for title, _, _, where in found}
    return sorted((t, b, m, place[t] if t != "Visit" else "") for t, b, m, _ in found)


def message(data: bytes) -> Any:
    """The three facts, each once and as they are, with nothing but marks and blanks around them; Maud is named first."""
    lines = [
        plain(re.sub(r"^[\s>#+•*-]*(?:[0-9]{1,3}[.)]\s+)?|[*_`]", "", line)) for line in re.split(r"\r\n|\r|\n", text(data)) if line.strip()
    ]
    pairs = [(label.strip().casefold(), value.strip(" .;,")) for label, sign, value in (line.partition(":") for line in lines) if sign]
    values = {"total": "measure", "busiest": "party", "day": "when"}
    return sorted((k, cell(v, values[k])) for k, v in pairs if k in values), "maud" in lines[0].casefold()


def tree(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    return lambda data: leaves(read(data))


def text(data: bytes) -> str:
    return data.decode("utf-8-sig")


NOTE = {"facts": {"Total": "total", "Busiest": "busiest", "Day": "day"}, "person": "Maud", "limit": 60}
RIGHTS = [
    right("table", "csv", TABLE, delimited(",")),
    right("table", "tsv", TABLE, delimited("\t")),
    right("table", "json", TABLE, lambda data: objects(json.loads(text(data)))),
    right("table", "jsonl", TABLE, lambda data: objects([json.loads(line) for line in text(data).split("\n") if line.strip()])),
    right("table", "yaml", TABLE, lambda data: objects(yaml(data))),
    right("table", "md", TABLE, markdown),
    right("tree", "json", TREE, tree(lambda data: json.loads(text(data)))),
    right("tree", "yaml", TREE, tree(yaml)),
    right("tree", "toml", TREE, tree(lambda data: tomllib.loads(text(data)))),
    right("tree", "ini", TREE, tree(ini)),
    right("calendar", "ics", EVENTS, calendar),
    right("message", "txt", FACTS, message, **NOTE),
    right("message", "md", FACTS, message, **NOTE),
]
MOVED = making.task({"box/a.txt": b"\x00 a letter\n"})
RIGHTS += [
    Right(
        "files",
        MOVED,
        making.verifier(
            [
                {
                    "kind": "files",
                    "params": {
                        "expect": [{"path": "box/b/a.txt", "digest": MOVED.workspace[0].digest}],
                        "gone": ["box/a.txt"],
                        "under": "box",
                        "only": True,
                    },
                }
            ]
        ),
        "box/b/a.txt",
        MOVED.workspace[0].content,
        bytes,
        (deletion("box/a.txt"),),
    )
]
