"""Relations as XML, an element a row, and as a web page with one table."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from generators.relations import Relation
from generators.renderers import PLAIN, Style
from generators.renderers.entries import entries
from generators.renderers.tables import cell, grid

FORMATS = ("xml", "html")


def element(words: str) -> str:
    """Words as the name of an element or a table."""
    return re.sub(r"[^\w-]+", "_", words.lower()).strip("_-") or "row"


def xml(relation: Relation, style: Style = PLAIN) -> bytes:
    """A root named after many of them, an element a row, in it one for each column that the row has a value for."""
    outer, inner = element(relation.many), element(relation.one)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<{outer}>"]
    for row in entries(relation, style):
        lines.append(f"  <{inner}>")
        for value, column in zip(row, relation.columns, strict=True):
            if value is not None:
                lines.append(f"    <{column.name}>{html.escape(cell(value, column, style), quote=False)}</{column.name}>")
        lines.append(f"  </{inner}>")
    return "\n".join([*lines, f"</{outer}>", ""]).encode()


def page(relation: Relation, style: Style = PLAIN) -> bytes:
    """A page as a program exports it: a heading, a sentence, the table, a sentence; a new line in a cell is <br>."""
    title = html.escape(relation.many[:1].upper() + relation.many[1:])
    header, rows = grid(relation, style)
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        f'<head>\n<meta charset="utf-8">\n<title>{title}</title>\n</head>',
        f"<body>\n<h1>{title}</h1>",
        "<p>Exported for reading on the screen. What is changed here does not find its way back.</p>",
        "<table>",
        _line("th", header),
        *(_line("td", row) for row in rows),
        "</table>",
        "<p>End of the list.</p>\n</body>\n</html>\n",
    ]
    return "\n".join(lines).encode()


def _line(tag: str, cells: Sequence[str]) -> str:
    texts = (html.escape(c, quote=False).replace("\n", "<br>") for c in cells)
    return "<tr>" + "".join(f"<{tag}>{text}</{tag}>" for text in texts) + "</tr>"
