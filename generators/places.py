"""Where a persona's files lie and what they are called."""

from __future__ import annotations

import random
import re
from datetime import date
from typing import Any

from generators import rendering
from generators.relations import Relation
from generators.renderers import EXTENSIONS, FOLDERS, SITE
from specs import partners

OLD = (("archive", ""), ("old", ""), ("", "-old"), ("", "-draft"), ("backup", ""), ("", "-copy"))
JOINTS = {"kebab": "-", "snake": "_", "title": "-", "spaces": " ", "lower-nospace": ""}
SHEETS, NOTES = ("csv", "tsv", "xlsx"), ("md", "txt", "html")
KINDS = dict.fromkeys(SHEETS, "sheets") | dict.fromkeys(NOTES, "notes") | {"ics": "calendar", "mbox": "mail", "log": "logs"}


def named(stem: str, naming: str) -> str:
    """A stem as the persona writes names: paid-out, paid_out, Paid-Out, `Paid out` or paidout."""
    parts = re.split("[-_ ]+", stem)
    name = JOINTS[naming].join(p.capitalize() for p in parts) if naming == "title" else JOINTS[naming].join(parts)
    return name[:1].upper() + name[1:] if naming == "spaces" else name


def filing(domain: dict[str, Any], bases: dict[str, Relation], name: str) -> tuple[str, str]:
    """What a relation's file can be filed under: the relation that it derives from (or is), and the year of that one's last day.

    Empty where there is none: a relation without days has no year, and a folder of files is a topic of its own.
    """
    root = _root(domain, name)
    relation = bases[root]
    column = relation.column("when") or relation.column("at")
    years = [v.year for v in relation.values(column.name) if isinstance(v, date)] if column else []
    return "" if "folder" in domain["relations"][root] else root, str(max(years)) if years else ""


def _root(domain: dict[str, Any], name: str) -> str:
    spec = domain["relations"][name]
    return next((_root(domain, spec[how].partition(".")[0]) for how in sorted(partners.DERIVED) if how in spec), name)


class Places:
    """Hands out paths of one workspace, no two alike, none inside a folder that is an input or a package as a whole."""

    def __init__(self, habits: dict[str, Any]):
        self._habits = habits
        self._naming = habits.get("naming", "kebab")
        self._taken = {f"{habits['out']}/".lower()}
        self._whole: set[str] = set()

    def input(self, stem: str, form: str, topic: str = "", year: str = "") -> str:
        """A path for an input file, or for a folder of files, in the persona's layout; `topic` and `year` as `filing` gives them."""
        return self._free(self._drawer(form, topic, year), stem, _extension(form))

    def site(self, stem: str) -> str:
        """The address of a site, whose publisher has no habits of the persona's."""
        number = 1
        while (url := rendering.path_of("", stem if number == 1 else f"{stem}-{number}", SITE)) in self._taken:
            number += 1
        self._taken.add(url)
        return url

    def decoy(self, stem: str, form: str, rng: random.Random, topic: str = "", year: str = "") -> str:
        """A path for an outdated twin of an input."""
        folder, suffix = rng.choice(OLD)
        return self._free(self._below(self._drawer(form, topic, year), folder), stem + suffix, _extension(form))

    def output(self, stem: str, extension: str) -> str:
        """A path for a result."""
        return self._free(self._habits["out"], stem, f".{extension}")

    def folder(self, stem: str) -> str:
        """A path for a package."""
        return self._free(self._habits["folder"], stem, "")

    def _drawer(self, form: str, topic: str, year: str) -> str:
        """The folder below which the persona keeps such a file."""
        kind = KINDS.get(EXTENSIONS[form], "data") if _extension(form) else ""
        drawers = {"flat": "", "by-topic": topic, "by-kind": kind, "by-year": year}
        return self._below(self._habits["folder"], drawers[self._habits.get("layout", "flat")])

    def _below(self, folder: str, name: str) -> str:
        return f"{folder}/{named(name, self._naming)}" if name else folder

    def _free(self, folder: str, stem: str, extension: str) -> str:
        while self._inside(f"{folder}/"):
            folder = folder.rpartition("/")[0]
        name = named(stem, self._naming)
        number = 1
        while True:
            count = "" if number == 1 else f"{JOINTS[self._naming]}{number}"
            path = f"{folder}/{name}{count}{extension}".lstrip("/")
            if self._fits(path.lower(), whole=not extension):
                self._taken.add(path.lower())
                self._whole |= set() if extension else {path.lower()}
                return path
            number += 1

    def _fits(self, path: str, whole: bool) -> bool:
        holds_others = whole and any(taken.startswith(f"{path}/") for taken in self._taken)
        return path not in self._taken and not holds_others

    def _inside(self, path: str) -> bool:
        return any(path.lower().startswith(f"{whole}/") for whole in self._whole)


def _extension(form: str) -> str:
    return "" if form in FOLDERS else f".{EXTENSIONS[form]}"
