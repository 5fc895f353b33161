"""All YAML of a spec tree, read with places, checked against the schemas, and at hand by name for the cross-checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specs import located, shape
from specs.errors import Problem, UserError
from specs.located import Document, Steps

FOLDERS = {
    "domain": "specs/domains",
    "scenario": "specs/scenarios",
    "template": "specs/templates",
    "persona": "personas",
    "wordings": "specs/wordings",
}
SINGLE = {"noise": "specs/noise.yaml", "taxonomy": "specs/taxonomy.yaml", "params": "params.yaml"}


@dataclass(frozen=True)
class Entry:
    """A document under the name that its file gives it; `value` is the sound part, in which anything may be missing.

    `whole` says that the document fits its schema.
    """

    kind: str
    name: str
    document: Document
    value: dict[str, Any]
    whole: bool = True

    def problem(self, steps: Steps, what: str, hint: str = "", key: bool = False) -> Problem:
        """A Problem at that place of the file."""
        return self.document.problem(steps, what, hint, key)


@dataclass(frozen=True)
class Corpus:
    """Entries by kind and name. `unread` names what can't be read: nobody is told that it does not exist."""

    root: Path
    entries: dict[str, dict[str, Entry]]
    unread: frozenset[tuple[str, str]]

    def all(self, kind: str) -> dict[str, Entry]:
        """Entries of a kind by name."""
        return self.entries.get(kind, {})

    def knows(self, kind: str, name: str) -> bool:
        """Whether there is such a file, readable or not."""
        return name in self.all(kind) or (kind, name) in self.unread

    def operation(self, identity: str) -> dict[str, Any] | None:
        """The sound part of the operation `<skill>.<name>`, or None."""
        skill, _, name = identity.partition(".")
        entry = self.all("operations").get(skill)
        found = [o for o in entry.value.get("operations", []) if o.get("name") == name] if entry else []
        return found[0] if found else None

    def operations(self) -> list[str]:
        """The ids of all operations."""
        return [f"{skill}.{o['name']}" for skill, e in self.all("operations").items() for o in e.value.get("operations", []) if "name" in o]

    def taxonomy(self, part: str) -> list[str] | None:
        """The names that a part of the taxonomy knows (rows for scenarios and atomic), or None where it can't be read."""
        entry = self.all("taxonomy").get("taxonomy")
        value = entry.value.get(part) if entry else None
        if value is None:
            return None
        if part in ("scenarios", "atomic"):
            return [row for rows in value.values() for row in rows]
        return list(value)


def files(root: Path) -> Iterator[tuple[str, str, Path]]:
    """(kind, name, path) of each YAML file of a spec tree."""
    for kind, folder in FOLDERS.items():
        for path in sorted((root / folder).glob("*.yaml")):
            yield kind, path.stem, path
    for path in sorted((root / "skills").glob("*/operations.yaml")):
        yield "operations", path.parent.name, path
    for kind, place in SINGLE.items():
        yield kind, kind, root / place


def strays(root: Path) -> Iterator[Problem]:
    """YAML that lies where specs lie and that no kind takes up: it would be left out without a word."""
    known = {path for _, _, path in files(root)}
    for folder in ("specs", "personas", "skills"):
        for path in sorted([*(root / folder).rglob("*.yaml"), *(root / folder).rglob("*.yml")]):
            inside = path.relative_to(root / folder).parts
            if path not in known and not (folder == "skills" and len(inside) > 2 and inside[1] in ("files", "sources")):
                shown = path.relative_to(root).as_posix()
                yield Problem(
                    shown, 1, 1, "", "no kind of spec lies here", "domains, scenarios, templates, personas are <folder>/<name>.yaml"
                )
    for path in sorted((root / "skills").glob("*/")):
        if path.is_dir() and not (path / "operations.yaml").is_file():
            yield Problem(
                path.relative_to(root).as_posix(),
                1,
                1,
                "",
                "lacks operations.yaml",
                "a skill is a folder with SKILL.md and operations.yaml",
            )


def read(root: Path) -> tuple[Corpus, list[Problem]]:
    """The corpus, and the problems of reading and of shape."""
    entries: dict[str, dict[str, Entry]] = {}
    problems = list(strays(root))
    unread = set()
    for kind, name, path in files(root):
        try:
            document, found = located.read(path, path.relative_to(root).as_posix())
        except UserError as error:
            problems += error.problems
            unread.add((kind, name))
            continue
        wrong, value = shape.check(document, kind)
        problems += found + wrong
        entries.setdefault(kind, {})[name] = Entry(kind, name, document, value, not found and not wrong)
    return Corpus(root, entries, frozenset(unread)), problems
