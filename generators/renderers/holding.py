"""What each format can hold: a relation is written only in formats that give it back to the last character."""

from __future__ import annotations

import email
import email.policy
import functools
import json
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from email.errors import MessageError
from typing import Any

from generators.relations import Column, Relation, Row, Value, written
from generators.renderers import PLAIN, lines, messages, trees

LONGEST_CSV = 131_071  # characters of a field that Python's csv module reads
LONGEST_XLSX = 32_767  # characters of a cell
DIGITS, BOUND = 15, 1_000_000_000_000_000  # of a decimal number, which any binary float keeps
FIRST_DAY = date(1900, 3, 1)  # Excel's calendar has a 29 February 1900
BINARY = ("json", "jsonl", "yaml", "sqlite", "xlsx")  # formats in which numbers are binary floats
TRACELESS = ("xml", "txt")  # formats in which a column that is blank throughout leaves no trace
MAILS = ("mbox", "eml")
NEVER_BLANK = {"ics": ("title", "at", "span"), "log": ("at",)} | dict.fromkeys(MAILS, ("key", "party", "title", "at"))
FILE_NAME = re.compile(r"[^\s./\\:*?\"<>|-][^/\\:*?\"<>|\n\t]{0,99}")
_NONE = "".join(f"\\U{n:04x}fffe\\U{n:04x}ffff" for n in range(17))
_NOT_PLAIN = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff{_NONE}]")


def holds(form: str, relation: Relation, spec: dict[str, Any]) -> bool:
    """Whether a reader of the format gets the relation's rows back. `spec` is the domain's entry (line, body, filler)."""
    if form in trees.FORMATS and relation.columns[0].role == "path" and len(relation.columns) == 2:
        return _tree(form, relation)
    needed = [i for i, c in enumerate(relation.columns) if c.role in NEVER_BLANK.get(form, ())]
    if any(row[i] is None for row in relation.rows for i in needed):
        return False
    if form in TRACELESS and any(all(row[i] is None for row in relation.rows) for i in range(len(relation.columns))):
        return False
    if form in _WHOLE:
        return _WHOLE[form](relation, spec)
    return all(_value(form, v) for row in relation.rows for v in row)


def says(form: str, text: str) -> bool:
    """Whether a format that takes any columns can hold a text. Control characters none of them has to."""
    return plain(text) and _TEXTS[form](text)


def plain(text: str) -> bool:
    """Text without control characters (but tabs and new lines), halves of surrogate pairs and characters that are none."""
    return not _NOT_PLAIN.search(text)


def _value(form: str, value: Value) -> bool:
    if isinstance(value, str):
        return says(form, value)
    if isinstance(value, Decimal) and form in BINARY:
        return len(value.as_tuple().digits) <= DIGITS and abs(value) < BOUND
    if isinstance(value, int) and form in BINARY:
        return abs(value) < BOUND
    if isinstance(value, date) and form == "xlsx":
        return (value.year, value.month, value.day) >= (FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day)
    return True


def _trimmed(text: str) -> bool:
    """No blank that a reader would take away: none at either end of any line, no empty line."""
    return all(line and line == line.strip() for line in text.split("\n"))


_TEXTS: dict[str, Callable[[str], bool]] = {
    "csv": lambda t: 0 < len(t) <= LONGEST_CSV,
    "tsv": lambda t: 0 < len(t) <= LONGEST_CSV,
    "md": lambda t: _trimmed(t) and "<br>" not in t,
    "json": lambda t: True,
    "jsonl": lambda t: True,
    "yaml": lambda t: True,
    "xml": lambda t: True,
    "site": lambda t: t != "",
    "html": lambda t: _trimmed(t) and not re.search(r"  |\t", t),
    "txt": _trimmed,
    "sqlite": lambda t: True,
    "xlsx": lambda t: 0 < len(t) <= LONGEST_XLSX and not re.search(r"_x[0-9A-Fa-f]{4}_", t),
}


def _lines(relation: Relation, spec: dict[str, Any]) -> bool:
    """Every line is read back as it was meant, and nothing between them is taken for one."""
    pattern = re.compile(lines.expression(spec["line"]))
    between = [*spec.get("filler", []), f"# Minutes: {relation.many}", "## Item 1", ""]
    return not any(map(pattern.match, between)) and all(_read_back(row, relation, spec["line"], pattern) for row in relation.rows)


def _read_back(row: Row, relation: Relation, text: str, pattern: re.Pattern[str], several: bool = False) -> bool:
    line = lines.line(row, relation, text, PLAIN)
    found = pattern.match(line)
    meant = {c.name: written(v, c) for c, v in zip(relation.columns, row, strict=True) if c.role != "path"}
    return (
        plain(line)
        and (several or "\n" not in line)
        and found is not None
        and meant == {k: v or None for k, v in found.groupdict().items()}
    )


def _files(relation: Relation, spec: dict[str, Any]) -> bool:
    """Names that a folder can have, no two alike, and texts that are read back as they were meant."""
    body = re.sub(r"\n$", "", spec["body"])
    pattern = re.compile(lines.expression(body), re.S)
    rows = relation.rows
    trimmed = all(not lines.line(row, relation, body, PLAIN).endswith("\n") for row in rows)
    return trimmed and _names([str(row[0]) for row in rows]) and all(_read_back(row, relation, body, pattern, several=True) for row in rows)


def _names(names: list[str]) -> bool:
    return len({n.casefold() for n in names}) == len(names) and all(FILE_NAME.fullmatch(n) and plain(n) for n in names)


def _mails(relation: Relation, spec: dict[str, Any]) -> bool:
    """Every mail is read back as it was meant; the header fields and encodings are too many to be judged by their text."""
    return all(_mail(tuple(messages.by_role(row, relation).items())) for row in relation.rows)


@functools.lru_cache(maxsize=1024)
def _mail(pairs: tuple[tuple[str, Value], ...]) -> bool:
    values = dict(pairs)
    if messages.easy(values):
        return True
    texts = {role: str(values[role]) for role in ("key", "party", "title", "text", "state", "group") if values.get(role) is not None}
    if not all(plain(t) and _trimmed(t) for t in texts.values()) or re.search("^>?From ", texts.get("text", ""), re.M):
        return False
    try:
        read = email.message_from_bytes(messages.mail(values).as_bytes(), policy=email.policy.default)
        got = {"key": read["Message-ID"].strip("<>").split("@")[0], "party": read["From"].addresses[0].display_name}
        got |= {
            "title": str(read["Subject"]),
            "state": read["X-Status"],
            "group": read["X-Folder"],
            "text": read.get_content().strip() or None,
        }
    except (MessageError, ValueError, LookupError, AttributeError, TypeError):  # the library can't write it, or not read it
        return False
    return {role: str(text) for role, text in got.items() if text is not None} == texts


def _eml(relation: Relation, spec: dict[str, Any]) -> bool:
    key = next(i for i, c in enumerate(relation.columns) if c.role == "key")
    return _names([f"{row[key]}.eml" for row in relation.rows]) and _mails(relation, spec)


def _ics(relation: Relation, spec: dict[str, Any]) -> bool:
    return all(
        isinstance(v, str) is False or _event(str(v), c) for row in relation.rows for v, c in zip(row, relation.columns, strict=True)
    )


def _event(text: str, column: Column) -> bool:
    """An identifier and a parameter can't be escaped as the other texts can."""
    if column.role in ("key", "party"):
        return plain(text) and "\n" not in text and '"' not in text and text != ""
    return plain(text) and text != ""


_WHOLE: dict[str, Callable[[Relation, dict[str, Any]], bool]] = {
    "log": _lines,
    "minutes": _lines,
    "files": _files,
    "mbox": _mails,
    "eml": _eml,
    "ics": _ics,
}


def _tree(form: str, relation: Relation) -> bool:
    """Values are single ones; TOML has no null, and an ini no value outside a section."""
    for path, value in relation.rows:
        leaf = json.loads(str(value))
        if isinstance(leaf, dict | list) or (isinstance(leaf, str) and not plain(leaf)):
            return False
        if (form == "toml" and leaf is None) or (form == "ini" and (leaf is None or "." not in str(path))):
            return False
    paths = {str(path) for path, _ in relation.rows}
    return len(paths) == len(relation.rows) and not any(p.startswith(f"{q}.") for p in paths for q in paths)
