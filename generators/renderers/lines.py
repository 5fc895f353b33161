"""Relations as lines of a pattern: log files and minutes of meetings."""

from __future__ import annotations

import random
import re
from datetime import datetime
from typing import Any

from generators.relations import Relation, Row
from generators.renderers import PLAIN, Style
from generators.renderers.tables import cell

FIELD = re.compile(r"\{(\w+)\}")


FORMATS = ("log", "minutes")
Part = tuple[str, Row | None]  # a piece of the file that ends with a line's end, and the row that it is


def log(relation: Relation, spec: dict[str, Any], style: Style = PLAIN) -> bytes:
    """One line a row, in order of time where there is a timestamp."""
    return "".join(text for text, _ in _log(relation, spec, style)).encode()


def _log(relation: Relation, spec: dict[str, Any], style: Style) -> list[Part]:
    rows: list[Row] = list(relation.rows)
    at = relation.column("at")
    if at:
        position = relation.index(at.name)
        rows.sort(key=lambda r: (r[position] if isinstance(r[position], datetime) else datetime.min, str(r)))
    return [(line(row, relation, spec["line"], style) + "\n", row) for row in rows]


def minutes(relation: Relation, spec: dict[str, Any], seed: str, style: Style = PLAIN) -> bytes:
    """Markdown minutes: a heading, paragraphs of talk, and the rows as list items among them, in the relation's order."""
    return "".join(text for text, _ in _minutes(relation, spec, seed, style)).encode()


def numbers(relation: Relation, spec: dict[str, Any], form: str, seed: str, style: Style = PLAIN) -> dict[str, int]:
    """By key, the number of the line (from 1) on which the file in the format `log` or `minutes` has the row."""
    key = next((i for i, c in enumerate(relation.columns) if c.role == "key"), None)
    found: dict[str, int] = {}
    at = 1
    for text, row in _log(relation, spec, style) if form == "log" else _minutes(relation, spec, seed, style):
        if row is not None and key is not None:
            found[str(row[key])] = at
        at += text.count("\n")
    return found


def _minutes(relation: Relation, spec: dict[str, Any], seed: str, style: Style) -> list[Part]:
    rng = random.Random(f"{seed}/minutes")
    filler = list(spec.get("filler", []))
    rng.shuffle(filler)
    parts: list[Part] = [(f"# Minutes: {relation.many}\n", None)]
    rows = list(relation.rows)
    number = 0
    while rows:
        number += 1
        take = rng.randint(3, 6)
        parts.append((f"\n## Item {number}\n\n", None))
        if filler:
            parts.append((filler.pop() + "\n\n", None))
        parts.extend((line(row, relation, spec["line"], style) + "\n", row) for row in rows[:take])
        rows = rows[take:]
    return parts


def line(row: Row, relation: Relation, pattern: str, style: Style) -> str:
    """The pattern with the row's values in it."""
    values = {c.name: cell(v, c, style) for c, v in zip(relation.columns, row, strict=True)}
    return FIELD.sub(lambda m: values[m.group(1)], pattern)


def expression(pattern: str) -> str:
    """The regular expression that reads such a line back: a named group for each column."""
    parts = []
    end = 0
    fields = list(FIELD.finditer(pattern))
    for number, match in enumerate(fields):
        parts.append(_literal(pattern[end : match.start()]))
        last = number == len(fields) - 1 and match.end() == len(pattern)
        parts.append(f"(?P<{match.group(1)}>{'.*' if last else '.*?'})")
        end = match.end()
    parts.append(_literal(pattern[end:]))
    return "^" + "".join(parts) + "$"


def _literal(text: str) -> str:
    """Plain text as part of an expression, no more escaped than it has to be."""
    return re.escape(text).replace("\\ ", " ").replace("\\\n", "\\n").replace("\\-", "-")
