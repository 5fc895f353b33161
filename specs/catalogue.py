"""All specs of the repository, read and given names: what the compiler works from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specs import digests, locate, located
from specs.records import SpecRef
from specs.yields import DRAWN, IN_PLACE, PACKAGED


@dataclass(frozen=True)
class Spec:
    """One entry of YAML: `path` relative to the root, its `name`, its plain `value`, the `digest` of that entry alone."""

    path: str
    name: str
    value: dict[str, Any]
    digest: str

    def __getitem__(self, key: str) -> Any:
        return self.value[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self.value.get(key, default)

    @property
    def ref(self) -> SpecRef:
        """How provenance names this entry."""
        return SpecRef(self.path, self.name, self.digest)


@dataclass(frozen=True)
class Operation:
    """An operation: its entry, the skill it belongs to, the text of its solution, the files of its package by path,
    the text of the module's second version."""

    skill: str
    spec: Spec
    solution: str
    source: dict[str, bytes]
    second: str = ""

    @property
    def id(self) -> str:
        """`<skill>.<operation>`, as workflows name it."""
        return f"{self.skill}.{self.spec.name}"

    @property
    def in_place(self) -> bool:
        """Whether its artifact is one of the inputs, changed."""
        return self.spec["yields"]["as"] in IN_PLACE

    @property
    def packaged(self) -> bool:
        """Whether it works on a package of source code, which the task gives beside the drawn rows."""
        return self.spec["yields"]["as"] in PACKAGED

    @property
    def drawn(self) -> bool:
        """Whether it works on drawn relations only, never on what an earlier step yields."""
        return self.spec["yields"]["as"] in DRAWN


@dataclass(frozen=True)
class Skill:
    """A skill: SKILL.md's text, the quota of tasks of its own, its operations by name, its `files/` by path."""

    name: str
    path: str
    text: str
    tasks: int
    operations: dict[str, Operation]
    files: dict[str, bytes]

    @property
    def digest(self) -> str:
        """Digest of what enters a box."""
        return digests.digest([self.text, self.files])


@dataclass(frozen=True)
class Catalogue:
    """All specs by name."""

    domains: dict[str, Spec]
    scenarios: dict[str, Spec]
    personas: dict[str, Spec]
    templates: dict[str, Spec]
    skills: dict[str, Skill]
    noise: dict[str, Spec]
    wordings: dict[str, Spec]  # by hand, by task
    root: Path  # where all was read

    def operation(self, identity: str) -> Operation:
        """The operation `<skill>.<operation>`. Raises KeyError."""
        skill, _, name = identity.partition(".")
        return self.skills[skill].operations[name]

    def skill_ref(self, name: str) -> SpecRef:
        """How provenance names a skill: its SKILL.md."""
        skill = self.skills[name]
        return SpecRef(f"{skill.path}/SKILL.md", name, digests.of_bytes(skill.text.encode()))

    def operations(self) -> Iterator[Operation]:
        """All operations, in order of skill and file."""
        for skill in self.skills.values():
            yield from skill.operations.values()


def load(root: Path = Path()) -> Catalogue:
    """Read all specs under `root`. Raises UserError for YAML that can't be read; assumes it validates otherwise."""
    return Catalogue(
        domains=_folder(root, "specs/domains"),
        scenarios=_folder(root, "specs/scenarios"),
        personas=_folder(root, "personas"),
        templates=_folder(root, "specs/templates"),
        skills={p.parent.name: _skill(root, p) for p in sorted((root / "skills").glob("*/operations.yaml"))},
        noise=_noise(root),
        wordings=_wordings(root),
        root=root,
    )


def _folder(root: Path, folder: str) -> dict[str, Spec]:
    specs = {}
    for path in sorted((root / folder).glob("*.yaml")):
        value = located.load(path).value
        specs[value["name"]] = Spec(path.relative_to(root).as_posix(), value["name"], value, locate.entry_digest(value))
    return specs


def _noise(root: Path) -> dict[str, Spec]:
    path = root / "specs/noise.yaml"
    entries = located.load(path).value["noise"]
    return {e["name"]: Spec("specs/noise.yaml", e["name"], e, locate.entry_digest(e)) for e in entries}


def _wordings(root: Path) -> dict[str, Spec]:
    specs = {}
    for path in sorted((root / "specs/wordings").glob("*.yaml")):
        for entry in located.load(path).value["rewordings"]:
            specs[entry["task"]] = Spec(path.relative_to(root).as_posix(), entry["task"], entry, locate.entry_digest(entry))
    return specs


def _skill(root: Path, path: Path) -> Skill:
    document = located.load(path).value
    operations = {}
    for entry in document["operations"]:
        text = (path.parent / entry["solution"]).read_text(encoding="utf-8") if "solution" in entry else ""
        digest = locate.entry_digest(entry, locate.belongings(entry, path.parent))
        spec = Spec(path.relative_to(root).as_posix(), entry["name"], entry, digest)
        source = locate.tree(path.parent / entry["source"]) if "source" in entry else {}
        second = (path.parent / entry["second"]).read_text(encoding="utf-8") if "second" in entry else ""
        operations[entry["name"]] = Operation(document["skill"], spec, text, source, second)
    text = (path.parent / "SKILL.md").read_text(encoding="utf-8")
    where = path.parent.relative_to(root).as_posix()
    return Skill(document["skill"], where, text, document.get("tasks", 0), operations, locate.tree(path.parent / "files"))
