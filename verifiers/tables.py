"""Tables as an agent wrote them (csv, tsv, json, jsonl, yaml, Markdown), read into a header and rows of text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from verifiers import parsing
from verifiers.reading import shown
from verifiers.snapshot import Unreadable

Row = tuple[str | None, ...]
_RULE = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?")
_PIPE = re.compile(r"(?<!\\)((?:\\\\)*)\|")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_EMPHASIS = re.compile(r"^(\*{1,3}|_{2,3}|`)(.+)\1$")
_BREAK = re.compile(r"<br\s*/?>")


@dataclass(frozen=True)
class Table:
    """A header and rows, each with one cell a column; a blank is None or empty."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]


def read(data: bytes, form: str) -> Table:
    """The table in a file of that format. Raises Unreadable for another format, ragged rows or no table."""
    return _READERS[form](data)


def _delimited(delimiter: str) -> Callable[[bytes], Table]:
    def reader(data: bytes) -> Table:
        text = parsing.text_of(data)
        try:
            lines = list(_records(text, delimiter))
        except csv.Error as error:
            raise Unreadable(f"it is not {'csv' if delimiter == ',' else 'tsv'}: {error}") from None
        return _grid(lines)

    return reader


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    """The records of a delimited text. Lines of nothing but blanks are none; a blank before a quoted cell of a csv is no part of it."""
    lines: list[str] = []

    def read() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            lines.append(line)
            yield line

    for record in csv.reader(read(), delimiter=delimiter, skipinitialspace=delimiter == ","):
        if "".join(lines).strip(" \r\n"):
            yield record
        lines.clear()


def _grid(lines: list[list[str]]) -> Table:
    if not lines:
        raise Unreadable("it is empty")
    header, *rows = lines
    for n, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise Unreadable(f"row {n} has {len(row)} cells under {len(header)} columns")
    return Table(tuple(c.strip() for c in header), tuple(map(tuple, rows)))


def _json(data: bytes) -> Table:
    return _objects(parsing.json_of(parsing.text_of(data), str))


def _jsonl(data: bytes) -> Table:
    lines = parsing.text_of(data).replace("\r", "\n").split("\n")  # not splitlines: a JSON text may hold U+2028
    return _objects([parsing.json_of(line, str) for line in lines if line.strip()], wrapped=False)


def _yaml(data: bytes) -> Table:
    return _objects(parsing.yaml_of(data, parsing.untyped))


def _objects(value: Any, wrapped: bool = True) -> Table:
    """A list of flat objects of the same keys; maybe under one key."""
    if wrapped and isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        raise Unreadable("it is not a list of records")
    if not value:
        raise Unreadable("it holds no records")
    header = tuple(value[0])
    rows = []
    for n, record in enumerate(value, 1):
        if record.keys() != value[0].keys():
            raise Unreadable(f"record {n} has other keys than the first: {shown(sorted(record))}")
        rows.append(tuple(_cell(record[name], n, name) for name in header))
    return Table(header, tuple(rows))


def _cell(value: Any, n: int, name: str) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, str):
        return value
    raise Unreadable(f"record {n} holds no plain value under {shown(name)}")


def _markdown(data: bytes) -> Table:
    """The one table of a Markdown text; headings and sentences around it are let be, a second table is not."""
    lines = [line.strip() for line in parsing.text_of(data).replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    rules = (n for n, line in enumerate(lines) if n and "|" in line and "|" in lines[n - 1] and _RULE.fullmatch(line))
    first = next((n for n in rules if len(_split(lines[n])) == len(_split(lines[n - 1]))), None)
    if first is None:
        raise Unreadable("it holds no Markdown table")
    end = next((n for n in range(first + 1, len(lines)) if "|" not in lines[n]), len(lines))
    outside = lines[: first - 1] + lines[end:]
    if any(line.startswith("|") for line in outside):
        raise Unreadable("it holds more than one table")
    header = [_EMPHASIS.sub(r"\2", name) for name in _split(lines[first - 1])]
    return _grid([header, *(_split(line) for line in lines[first + 1 : end])])


def _split(line: str) -> list[str]:
    cells = _PIPE.sub(lambda m: m[1] + "\0", line).split("\0") if "\\" in line else line.split("|")
    if cells and not cells[0].strip():
        cells = cells[1:]
    if cells and not cells[-1].strip() and _PIPE.search(line[-1:]):
        cells = cells[:-1]
    return [_written(c.strip()) for c in cells]


def _written(cell: str) -> str:
    """A cell's text without its escapes; most have none."""
    if "<" in cell:
        cell = _BREAK.sub("\n", cell)
    return _ESCAPE.sub(r"\1", cell) if "\\" in cell else cell


_READERS: dict[str, Callable[[bytes], Table]] = {
    "csv": _delimited(","),
    "tsv": _delimited("\t"),
    "json": _json,
    "jsonl": _jsonl,
    "yaml": _yaml,
    "md": _markdown,
}
