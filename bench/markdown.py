"""GitHub's Markdown around text that nobody vouches for: names, reasons and instructions stand in code, where nothing in them counts.

In code nothing is a link, a mention or HTML. A fence is longer than any run of backticks in it, and a page has a bound.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from bench import texts

MOST_BYTES = 60_000  # of a page; GitHub refuses comments of more than 65,536 characters
CELL_CHARS = 120
FENCE_CHARS = 6_000
CUT = "…"


def one_line(text: str, most: int = CELL_CHARS) -> str:
    """The text on one line, at most so long, with nothing invisible in it."""
    line = " ".join(texts.plain(text).split())
    return line if len(line) <= most else line[: most - 1] + CUT


def code(text: str, most: int = CELL_CHARS) -> str:
    """The text as inline code, fit for a cell of a table: a bar, which would end the cell, is written as a broken one."""
    line = one_line(text, most).replace("|", "¦")
    if not line:
        return ""
    ticks = "`" * (_longest(line) + 1)
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{padding}{line}{padding}{ticks}"


def fenced(text: str, info: str = "text", most: int = FENCE_CHARS) -> str:
    """The text in a fence of its own, cut at `most` characters."""
    shown = texts.plain(text)
    lost = len(shown) - most
    if lost > 0:
        shown = f"{shown[:most]}\n{CUT} {lost:,} more characters"
    fence = "`" * max(3, _longest(shown) + 1)
    return f"{fence}{info}\n{shown.rstrip()}\n{fence}"


def details(summary: str, body: str) -> str:
    """A part that is folded away; `summary` is HTML, `body` Markdown."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def html_code(text: str) -> str:
    """The text as code within HTML, such as a summary."""
    return f"<code>{html.escape(one_line(text))}</code>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], most: int = 40) -> str:
    """A table of cells that are Markdown already, the columns after the first to the right; at most so many rows, the rest counted."""
    found = [list(r) for r in rows]
    rule = [":--", *(["--:"] * (len(head) - 1))]
    lines = ["| " + " | ".join(cells) + " |" for cells in (list(head), rule, *found[:most])]
    more = [f"\nand {len(found) - most:,} more rows"] if len(found) > most else []
    return "\n".join([*lines, *more])


def page(sections: Iterable[str], most: int = MOST_BYTES) -> str:
    """The sections, one after the other, as far as the bound allows; one that does not fit is left out whole, and said to be."""
    note = "_{} parts are left out here, for length._"
    kept: list[str] = []
    size = len(note) + 16
    lost = 0
    for section in (s for s in sections if s):
        size_of = len(section.encode(errors="replace")) + 2
        if size + size_of > most:
            lost += 1
            continue
        kept.append(section)
        size += size_of
    return "\n\n".join([*kept, *([note.format(lost)] if lost else [])]) + "\n"


def _longest(text: str) -> int:
    """The length of the longest run of backticks."""
    return max((len(run) for run in re.findall("`+", text)), default=0)
