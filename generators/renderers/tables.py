"""Relations as csv, tsv, json, jsonl, yaml and Markdown tables."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import yaml

from generators.relations import NUMBERS, Column, Relation, Row, Value, written
from generators.renderers import PLAIN, Style
from generators.renderers.entries import comments, entries, suffixed

DELIMITED = ("csv", "tsv")
FORMATS = ("csv", "tsv", "json", "jsonl", "yaml", "md")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")


def render(relation: Relation, form: str, style: Style = PLAIN) -> bytes:
    """The file's bytes. Raises KeyError for a format that is not in FORMATS."""
    rows_end = style.eol if form in DELIMITED else PLAIN.eol
    how = (form, dataclasses.replace(style, eol=rows_end, bom=False, trailing_blank=False))
    if how not in relation.texts:
        relation.texts[how] = _WRITERS[form](relation, how[1])
    text = relation.texts[how] + ("\n" if style.trailing_blank else "")
    data = text.encode() if form in DELIMITED else text.replace("\n", style.eol).encode()
    return (b"\xef\xbb\xbf" if style.bom else b"") + data


def cell(value: Value, column: Column, style: Style) -> str:
    """A value as the text of one cell; a blank is empty, and text stands as it is in any column."""
    if value is None or isinstance(value, str):
        return value or ""
    if column.role in NUMBERS:
        return number(Decimal(value), column, style)  # type: ignore[arg-type]
    if isinstance(value, date) and not isinstance(value, datetime):
        return day(value, style.dates)
    return written(value, column) or ""


def number(value: Decimal, column: Column, style: Style) -> str:
    """A measure with its decimals, as the style has it."""
    text = f"{value:{',' if style.numbers == 'thousands' else ''}.{column.decimals}f}"
    if style.trim_zeros and "." in text:
        text = text.rstrip("0").rstrip(".")
    if style.numbers == "comma":
        text = text.replace(".", ",")
    return f"{text} {column.unit}" if style.units and suffixed(column) else text


def day(value: date, how: str) -> str:
    """A date as ISO, day-first, with slashes, or in long form."""
    if how == "day-first":
        return f"{value.day:02}/{value.month:02}/{value.year:04}"
    if how == "slashes":
        return f"{value.year:04}/{value.month:02}/{value.day:02}"
    if how == "long":
        return f"{value.day} {MONTHS[value.month - 1]} {value.year:04}"
    return value.isoformat()


def grid(relation: Relation, style: Style) -> tuple[list[str], list[tuple[str, ...]]]:
    """The header, and the text of each cell."""
    order = list(range(len(relation.columns)))
    if style.reverse_columns:
        order.reverse()
    header = [relation.columns[i].name.upper() if style.upper_header else relation.columns[i].name for i in order]
    rows = entries(relation, style)
    return header, list(zip(*(_cells(rows, i, relation.columns[i], style) for i in order), strict=True))


def _cells(rows: Sequence[Row], at: int, column: Column, style: Style) -> list[str]:
    """The texts of a column's cells; most values are texts, for which no function has to be called."""
    return [v if type(v) is str else cell(v, column, style) for v in [row[at] for row in rows]]


def _delimited(delimiter: str) -> Callable[[Relation, Style], str]:
    def write(relation: Relation, style: Style) -> str:
        header, rows = grid(relation, style)
        out = io.StringIO(newline="")
        quoting: Any = csv.QUOTE_ALL if style.quote_all else csv.QUOTE_MINIMAL
        writer = csv.writer(out, delimiter=delimiter, lineterminator=style.eol, quoting=quoting)
        writer.writerow(header)
        notes = comments(len(rows)) if style.comments else {}
        for at, row in enumerate(rows):
            out.write(notes[at] + style.eol if at in notes else "")
            writer.writerow(row)
        return out.getvalue()

    return write


def _plain(value: Value, column: Column, style: Style) -> Any:
    """A value as JSON and YAML know it."""
    if value is None or isinstance(value, int):
        return value
    if column.role in NUMBERS:
        number = Decimal(value)  # type: ignore[arg-type]
        return int(number) if column.decimals == 0 or (style.trim_zeros and number == number.to_integral_value()) else float(number)
    return cell(value, column, style)


def _objects(relation: Relation, style: Style) -> list[dict[str, Any]]:
    order = list(reversed(relation.columns)) if style.reverse_columns else list(relation.columns)
    names = [c.name for c in order]
    columns = [_plains(relation.rows, relation.index(c.name), c, style) for c in order]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _plains(rows: Sequence[Row], at: int, column: Column, style: Style) -> list[Any]:
    values = [row[at] for row in rows]
    if column.role in NUMBERS:
        return [_plain(v, column, style) for v in values]
    return [v if type(v) is str else _plain(v, column, style) for v in values]


def _json(relation: Relation, style: Style) -> str:
    objects = _objects(relation, style)
    key = relation.many.replace(" ", "_") if style.wrapped else ""
    if style.indent is None or not objects:
        return json.dumps({key: objects} if key else objects, ensure_ascii=False, indent=style.indent) + "\n"
    if not key:
        return _listed(objects, style.indent, 0) + "\n"
    return f"{{\n{' ' * style.indent}{json.dumps(key, ensure_ascii=False)}: {_listed(objects, style.indent, 1)}\n}}\n"


def _listed(objects: list[dict[str, Any]], indent: int, depth: int) -> str:
    """As json.dumps indents a list of flat objects, by its encoder in C, which knows no indent but separators of any kind.

    No text has a line end in it as JSON, so a brace, a comma and a line end stand between objects only.
    """
    outer, middle, inner = (f"\n{' ' * (indent * (depth + more))}" for more in range(3))
    text = json.dumps(objects, ensure_ascii=False, separators=(f",{inner}", ": "))
    items = text[2:-2].replace(f"}},{inner}{{", f"{middle}}},{middle}{{{inner}")
    return f"[{middle}{{{inner}{items}{middle}}}{outer}]"


def _jsonl(relation: Relation, style: Style) -> str:
    encode = json.JSONEncoder(ensure_ascii=False).encode
    return "".join([encode(o) + "\n" for o in _objects(relation, style)])


def _yaml(relation: Relation, style: Style) -> str:
    return yaml.dump(_objects(relation, style), Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False, width=10_000)


def _markdown(relation: Relation, style: Style) -> str:
    header, rows = grid(relation, style)
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join([_cell_md(c) for c in line]) + " |\n" for line in lines)


def _cell_md(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", "<br>")


_WRITERS: dict[str, Callable[[Relation, Style], str]] = {
    "csv": _delimited(","),
    "tsv": _delimited("\t"),
    "json": _json,
    "jsonl": _jsonl,
    "yaml": _yaml,
    "md": _markdown,
}
