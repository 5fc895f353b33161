"""A drawn relation as the input files of a workspace, in whatever format its domain keeps it."""

from __future__ import annotations

import re
from typing import Any

from generators.relations import Relation
from generators.renderers import (
    EXTENSIONS,
    FOLDERS,
    PLAIN,
    SITE,
    Style,
    blocks,
    databases,
    holding,
    lines,
    markup,
    messages,
    site,
    tables,
    trees,
    workbooks,
)
from specs.records import SITE_URL

TABLES = (*tables.FORMATS, *markup.FORMATS, "txt", "sqlite", "xlsx")  # formats that take any columns
holds = holding.holds


def path_of(folder: str, stem: str, form: str) -> str:
    """Where a relation's file (or folder of files) lies; for a site its address."""
    if form == SITE:
        return f"{SITE_URL}{stem}/"
    name = stem if form in FOLDERS else f"{stem}.{EXTENSIONS[form]}"
    return f"{folder}/{name}" if folder else name


def files_of(relation: Relation, spec: dict[str, Any], form: str, path: str, seed: str, style: Style = PLAIN) -> dict[str, bytes]:
    """Path to content of what lies in the workspace. Raises KeyError for a format that no renderer knows."""
    if form == "files":
        return {f"{path}/{row[0]}": body(relation, row, spec) for row in relation.rows}
    if form == "eml":
        return {f"{path}/{name}": data for name, data in messages.eml(relation).items()}
    return {path: content_of(relation, spec, form, seed, style)}


def pages_of(relation: Relation, spec: dict[str, Any], url: str, seed: str, past: Relation | None = None) -> dict[str, bytes]:
    """The pages of a site at `url`, by path below the address that is served; `past` is what its archive holds."""
    folder = url.removeprefix(SITE_URL)
    return {folder + path: page for path, page in site.pages(relation, spec, seed, past).items()}


def content_of(relation: Relation, spec: dict[str, Any], form: str, seed: str, style: Style = PLAIN) -> bytes:
    """One file's bytes."""
    if "tree" in spec or (relation.columns[0].role == "path" and len(relation.columns) == 2 and form in trees.FORMATS):
        return trees.render(relation, form)
    if form == "log":
        return lines.log(relation, spec, style)
    if form == "minutes":
        return lines.minutes(relation, spec, seed, style)
    if form in _PLAIN:
        return _PLAIN[form](relation)
    if form in _STYLED:
        return _STYLED[form](relation, style)
    return tables.render(relation, form, style)


_PLAIN = {"mbox": messages.mbox, "ics": messages.ics, "sqlite": databases.sqlite}
_STYLED = {"xml": markup.xml, "html": markup.page, "txt": blocks.txt, "xlsx": workbooks.xlsx}


def body(relation: Relation, row: tuple[Any, ...], spec: dict[str, Any]) -> bytes:
    """The text inside one file of a folder of files: the pattern with the row's values."""
    return lines.line(row, relation, re.sub(r"\n$", "", spec["body"]), PLAIN).encode() + b"\n"
