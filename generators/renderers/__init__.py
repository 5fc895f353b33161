"""Renderers: a relation written down the way people write things down. Each format's reader is in generators/snippets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """How a relation is written. The defaults are what a program would write; noise and equivalents differ."""

    eol: str = "\n"
    bom: bool = False
    quote_all: bool = False
    trim_zeros: bool = False  # 12.5 for 12.50
    numbers: str = "plain"  # plain | thousands (1,234.50) | comma (1234,50)
    units: bool = False  # 12.50 EUR
    dates: str = "iso"  # iso | day-first | slashes | long
    capitals: bool = False  # states as open, OPEN, Open
    reverse_columns: bool = False
    upper_header: bool = False
    indent: int | None = 2
    wrapped: bool = False  # JSON: the list under one key
    struck: bool = False
    repeated_header: bool = False
    comments: bool = False
    total_line: bool = False
    trailing_blank: bool = False


PLAIN = Style()
SITE = "site"  # pages that are served, rather than a file
FOLDERS = ("files", "eml")  # formats that are a folder with a file for each row
EXTENSIONS = {form: form for form in ("csv", "tsv", "json", "jsonl", "yaml", "md", "xml", "html", "txt", "sqlite", "xlsx")} | {
    "minutes": "md",
    "log": "log",
    "ics": "ics",
    "mbox": "mbox",
    "toml": "toml",
    "ini": "ini",
}
