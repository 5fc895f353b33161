"""A text of rows cut into its rows, so that one of them can be dropped, doubled or altered and all the rest stays as it was written."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_RULE = re.compile(r"\s*\|?[\s:|-]*-[\s:|-]*")
_ENTRY = re.compile(r"(?P<start>(?:- |  )(?P<quote>[\"']?)(?P<name>.*?)(?P=quote): )(?P<value>[^\n]*)")
_DELIMITER = {"csv": ",", "tsv": "\t"}
Alter = Callable[[str], str | None]


@dataclass(frozen=True)
class Pieces:
    """What stands before the rows, the rows (each a whole piece of text), what stands behind; `joint` between two rows."""

    form: str
    head: str
    rows: tuple[str, ...]
    tail: str = ""
    joint: str = ""

    def joined(self, rows: Sequence[str]) -> bytes:
        """The text with these rows in place of its own."""
        return (self.head + self.joint.join(rows) + self.tail).encode()


def cut(form: str, data: bytes) -> Pieces | None:
    """The pieces of a csv, tsv, md, json, jsonl, yaml or ics file; None for what isn't rows in that format."""
    try:
        return _CUT[form](form, data.decode("utf-8-sig"))
    except (KeyError, ValueError, csv.Error):
        return None


def _lines(text: str) -> list[str]:
    """The lines, each with its end; the last one gets one."""
    lines = list(io.StringIO(text, newline=""))
    return [*lines[:-1], lines[-1] if lines[-1].endswith(("\n", "\r")) else lines[-1] + "\n"] if lines else []


def _delimited(form: str, text: str) -> Pieces | None:
    lines = _lines(text)
    reader = csv.reader(iter(lines), delimiter=_DELIMITER[form])
    ends = [0, *(reader.line_num for _ in reader)]
    head, *rows = ["".join(lines[a:b]) for a, b in itertools.pairwise(ends)] or [""]
    return Pieces(form, head, tuple(rows)) if head else None


def _markdown(form: str, text: str) -> Pieces | None:
    lines = _lines(text)
    rule = next((n for n, line in enumerate(lines) if n and "|" in line and _RULE.fullmatch(line.rstrip())), None)
    if rule is None:
        return None
    end = next((n for n in range(rule + 1, len(lines)) if "|" not in lines[n]), len(lines))
    return Pieces(form, "".join(lines[: rule + 1]), tuple(lines[rule + 1 : end]), "".join(lines[end:]))


def _json(form: str, text: str) -> Pieces | None:
    value = json.loads(text, parse_float=Decimal)
    return Pieces(form, "[\n", tuple(map(_dumped, value)), "\n]\n", ",\n") if isinstance(value, list) else None


def _jsonl(form: str, text: str) -> Pieces:
    return Pieces(form, "", tuple(line for line in _lines(text) if line.strip()))


def _yaml(form: str, text: str) -> Pieces | None:
    head, *rows = re.split(r"^(?=- )", text, flags=re.MULTILINE)
    return Pieces(form, head, tuple(rows)) if rows and rows[-1].endswith("\n") else None


def _calendar(form: str, text: str) -> Pieces | None:
    head, *rows = re.split(r"^(?=BEGIN:VEVENT)", text, flags=re.MULTILINE)
    if not rows:
        return None
    last, end, tail = rows[-1].partition("END:VEVENT")
    return Pieces(form, head, (*rows[:-1], last + end + tail[:2]), tail[2:])


_CUT: dict[str, Callable[[str, str], Pieces | None]] = {
    "csv": _delimited,
    "tsv": _delimited,
    "md": _markdown,
    "json": _json,
    "jsonl": _jsonl,
    "yaml": _yaml,
    "ics": _calendar,
}


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=float)


def altered(pieces: Pieces, row: int, columns: Sequence[str], column: int, alter: Alter) -> str | None:
    """The row with one cell altered; None where `alter` leaves it alone or the cell can't be told from the rest of the text."""
    text = pieces.rows[row]
    if pieces.form in _DELIMITER:
        return _in_cells(text, _DELIMITER[pieces.form], _place(pieces, columns[column]), alter)
    if pieces.form == "md":
        return _in_bars(text, _place(pieces, columns[column]), alter)
    if pieces.form == "yaml":
        return _in_entries(text, columns[column], alter)
    return _in_object(text, columns[column], alter)


def _place(pieces: Pieces, column: str) -> int:
    """Where the column stands among the head's cells; -1 where it doesn't."""
    if pieces.form == "md":
        cells = [c.strip() for c in pieces.head.splitlines()[-2].strip().strip("|").split("|")]
    else:
        (cells,) = csv.reader([pieces.head.rstrip("\r\n")], delimiter=_DELIMITER[pieces.form])
    return cells.index(column) if column in cells else -1


def _in_cells(text: str, delimiter: str, place: int, alter: Alter) -> str | None:
    (cells,) = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    new = alter(cells[place]) if 0 <= place < len(cells) else None
    if new is None:
        return None
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerow([*cells[:place], new, *cells[place + 1 :]])
    return out.getvalue()


def _in_bars(text: str, place: int, alter: Alter) -> str | None:
    cells = text.strip().strip("|").split("|")
    if "\\" in text or not 0 <= place < len(cells):
        return None
    new = alter(cells[place].strip())
    return None if new is None else "|" + "|".join([*cells[:place], f" {new} ", *cells[place + 1 :]]) + "|\n"


def _in_object(text: str, column: str, alter: Alter) -> str | None:
    found = json.loads(text, parse_float=Decimal)
    value = found.get(column) if isinstance(found, dict) else None
    if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
        return None
    new = alter(str(value))
    if new is None:
        return None
    end = "\n" if text.endswith("\n") else ""
    return _dumped({**found, column: new if isinstance(value, str) else json.loads(new)}) + end


def _in_entries(text: str, column: str, alter: Alter) -> str | None:
    for found in _ENTRY.finditer(text):
        value = found["value"].strip()
        bare = value.strip("\"'")
        if found["name"] == column and value not in ("", "|", ">", "null", "~"):
            new = alter(bare)
            return None if new is None else text[: found.start("value")] + value.replace(bare, new) + text[found.end("value") :]
    return None
