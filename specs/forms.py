"""Whether a relation can be written in the formats that it names: lines that can be read back, messages and events with all they need."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from specs import hints
from specs.columns import Columns
from specs.corpus import Entry
from specs.errors import Problem
from specs.located import Steps

FIELD = re.compile(r"\{(\w+)\}")
LINES = ("log", "minutes")
MAIL = ("key", "party", "title", "at", "text")
NEEDS = {"ics": ("key", "title", "at", "span"), "mbox": MAIL, "eml": MAIL}
MAY = {"ics": ("place", "party", "group", "state"), "mbox": ("state", "group"), "eml": ("state", "group")}
TREES = ("toml", "ini")


def check(entry: Entry, steps: Steps, spec: dict[str, Any], own: Columns | None) -> Iterator[Problem]:
    """Problems of a relation's formats, line and body, given its columns."""
    if own is None:
        return
    for i, form in enumerate(spec.get("formats", [])):
        place = (*steps, "formats", i)
        if form in NEEDS:
            yield from _by_role(entry, place, form, own)
        if form == "files" and "path" not in own.values():
            yield entry.problem(place, "files need a column with the role path")
        if form in TREES and list(own.values()) != ["path", "value"]:
            yield entry.problem(place, f"{form} is for trees only")
        loose = [path for path in spec.get("tree", {}) if "." not in path] if form == "ini" else []
        if loose:
            yield entry.problem(
                place, f"ini keeps settings in sections, and '{loose[0]}' has none", "give its path a first part, or leave ini out"
            )
    if "site" in spec and "site" not in spec.get("formats", ["site"]):
        yield entry.problem((*steps, "site"), "nothing is published in this way", "add `site` to the formats, or remove it", key=True)
    if "line" in spec:
        yield from _pattern(entry, (*steps, "line"), spec["line"], own, spec)
        if set(LINES) & set(spec.get("formats", [])):
            yield from _blanks(entry, steps, spec, "a line has no place for a blank")
    if "body" in spec:
        wanted = {n: role for n, role in own.items() if role != "path"}
        yield from _pattern(entry, (*steps, "body"), spec["body"].rstrip("\n"), wanted, spec)
        yield from _blanks(entry, steps, spec, "a file's text has no place for a blank")


def check_name(entry: Entry, steps: Steps, pattern: str, columns: dict[str, Any], own: str) -> Iterator[Problem]:
    """Problems of a file name's pattern: columns that are not there, names that could be the same."""
    known = [c for c in columns if c != own]
    fields = FIELD.findall(pattern)
    for field in fields:
        if field not in known:
            yield entry.problem(steps, f"unknown column '{field}'", hints.among(field, known))
    keys = [c for c in known if columns[c].get("role") == "key"]
    if not set(keys) & set(fields):
        yield entry.problem(steps, "two files could have the same name", f"name the key in it: {{{keys[0] if keys else 'no'}}}")


def _by_role(entry: Entry, steps: Steps, form: str, own: Columns) -> Iterator[Problem]:
    roles = Counter(own.values())
    for role in NEEDS[form]:
        if not roles[role]:
            yield entry.problem(steps, f"{form} needs a column with the role {role}")
    for name, role in own.items():
        if role and role not in NEEDS[form] + MAY[form]:
            yield entry.problem(
                steps, f"{form} has no place for the column '{name}' ({role})", f"it holds {', '.join(NEEDS[form] + MAY[form])}"
            )
    for role, count in roles.items():
        if count > 1 and role in NEEDS[form] + MAY[form]:
            yield entry.problem(steps, f"{form} holds one {role} column, not {count}")


def _pattern(entry: Entry, steps: Steps, pattern: str, wanted: Columns, spec: dict[str, Any]) -> Iterator[Problem]:
    """Each column once, and something between two of them that no value contains."""
    counts = Counter(FIELD.findall(pattern))
    for name in wanted:
        if counts[name] != 1:
            how = f"names {counts[name]} times" if counts[name] else "does not name"
            yield entry.problem(steps, f"{how} the column '{name}'", f"write {{{name}}} once")
    for name in counts:
        if name not in wanted:
            yield entry.problem(steps, f"unknown column '{name}'", hints.among(name, wanted))
    matches = list(FIELD.finditer(pattern))
    for match, following in itertools.pairwise(matches):
        separator = pattern[match.end() : following.start()]
        if not separator:
            yield entry.problem(steps, f"nothing stands between {match.group()} and {following.group()}", "put a separator between them")
        else:
            yield from _separated(entry, steps, match.group(1), separator, spec)


def _separated(entry: Entry, steps: Steps, name: str, separator: str, spec: dict[str, Any]) -> Iterator[Problem]:
    draw = spec.get("columns", {}).get(name, {}).get("draw", {})
    for value in [*draw.get("pick", []), *draw.get("weigh", {})]:
        if separator in str(value):
            place = (*steps[:-1], "columns", name, "draw", *(("pick", draw["pick"].index(value)) if "pick" in draw else ("weigh", value)))
            yield entry.problem(
                place,
                f"'{value}' contains '{separator}', which ends {{{name}}} in the {steps[-1]}",
                "write the value or the pattern otherwise",
            )


def _blanks(entry: Entry, steps: Steps, spec: dict[str, Any], why: str) -> Iterator[Problem]:
    for name, column in spec.get("columns", {}).items():
        if column.get("blank"):
            yield entry.problem((*steps, "columns", name, "blank"), why, "remove `blank`", key=True)
