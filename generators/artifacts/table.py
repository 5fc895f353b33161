"""Rows in a file of their own."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

from generators import scripts
from generators.artifacts import Artifact, Changes
from generators.relations import Column, Relation, written
from generators.renderers import PLAIN, Style, tables
from generators.words import joined
from specs import records

OTHER = {"csv": "json", "json": "csv", "jsonl": "csv", "yaml": "md", "md": "csv", "tsv": "json"}
SAID = {
    "csv": "CSV",
    "json": "a JSON list of objects",
    "jsonl": "JSON Lines, one object a line",
    "yaml": "a YAML list of mappings",
    "md": "a Markdown table",
    "tsv": "tab-separated text",
}

SAID_OF_MANY = {"json": "JSON lists of objects", "yaml": "YAML lists of mappings", "md": "Markdown tables"}


def changes(artifact: Artifact, answer: Relation, style: Style = PLAIN) -> Changes:
    """The file with the answer in it."""
    return (records.change_of(artifact.path, tables.render(answer, artifact.form, style)),)


def check(artifact: Artifact, answer: Relation) -> dict[str, Any]:
    """Params of the check `table`."""
    columns = [
        {"name": c.name, "type": c.kind} | ({"decimals": c.decimals} if c.kind == "number" else {}) | ({"unit": c.unit} if c.unit else {})
        for c in answer.columns
    ]
    rows = [[written(v, c) for v, c in zip(row, answer.columns, strict=True)] for row in answer.rows]
    return {
        "path": artifact.path,
        "format": artifact.form,
        "columns": columns,
        "rows": rows,
        "ordered": answer.ordered,
        "iso_dates": has_dates(answer),
    }


def has_dates(answer: Relation) -> bool:
    """Whether the form of dates has to be stated."""
    return any(c.kind == "date" for c in answer.columns)


def shapes(artifact: Artifact, answer: Relation) -> dict[str, Changes]:
    """Right rows in another format, without a column, with dates another way, under one more column."""
    found: dict[str, Changes] = {"other-format": (records.change_of(artifact.path, tables.render(answer, OTHER[artifact.form])),)}
    found["drop-column"] = changes(artifact, _with_columns(answer, answer.columns[:-1]) if len(answer.columns) > 1 else _numbered(answer))
    if has_dates(answer):
        found["day-first"] = changes(artifact, answer, Style(dates="day-first"))
    return found


def _with_columns(answer: Relation, columns: tuple[Column, ...]) -> Relation:
    return dataclasses.replace(answer, columns=columns, rows=tuple(row[: len(columns)] for row in answer.rows))


def _numbered(answer: Relation) -> Relation:
    return dataclasses.replace(
        answer, columns=(Column("n", "seq"), *answer.columns), rows=tuple((i, *row) for i, row in enumerate(answer.rows))
    )


def equivalents(artifact: Artifact, answer: Relation) -> dict[str, Changes]:
    """The same rows, written otherwise."""
    styles = {"crlf": Style(eol="\r\n"), "trailing-blank": Style(trailing_blank=True)}
    if artifact.form in ("csv", "tsv"):
        styles |= {"quoted": Style(quote_all=True), "bom": Style(bom=True)}
    if artifact.form in ("csv", "tsv", "md"):
        styles["upper-header"] = Style(upper_header=True)
    if artifact.form == "json":
        styles |= {"compact": Style(indent=None), "wrapped": Style(wrapped=True)}
    if len(answer.columns) > 1:
        styles["column-order"] = Style(reverse_columns=True)
    if any(c.kind == "number" for c in answer.columns):
        styles["trimmed-zeros"] = Style(trim_zeros=True)
    found = {name: changes(artifact, answer, style) for name, style in styles.items()}
    spelled = _spelled(answer)
    if spelled != answer:
        found["capital-booleans"] = changes(artifact, spelled)
    if not answer.ordered and len(answer.rows) > 1:
        rows = list(answer.rows)
        random.Random("row-order").shuffle(rows)
        found["row-order"] = changes(artifact, answer.with_rows(rows))
    return found


def _spelled(answer: Relation) -> Relation:
    """true and false in a cell as Python writes them."""
    return answer.with_rows(
        [tuple(v.capitalize() if isinstance(v, str) and v in ("true", "false") else v for v in row) for row in answer.rows]
    )


def writing(artifact: Artifact, answer: Relation) -> tuple[list[str], list[str]]:
    """Snippets and lines by which a script writes `result`."""
    return scripts.writing(answer, list(artifact.columns), artifact.form, artifact.path)


def words(artifact: Artifact, answer: Relation) -> dict[str, Any]:
    """What the template's sayings name."""
    return {
        "format": SAID[artifact.form],
        "formats": SAID_OF_MANY.get(artifact.form, SAID[artifact.form]),
        "columns": joined([f"`{c.name}`" for c in answer.columns]),
        "number": len(answer.columns),
        "dates": has_dates(answer),
    }
