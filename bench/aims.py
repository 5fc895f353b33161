"""What a path asks to be tried: one entry of the specs, where it stands, and which plans and tasks make use of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from generators.plan import Plan
from specs import corpus, located
from specs.catalogue import Catalogue, Spec
from specs.errors import Problem, UserError
from specs.located import Document, Steps
from specs.records import SpecRef


@dataclass(frozen=True)
class Aim:
    """A spec to be tried: its kind as specs.corpus has it (persona, scenario, domain, operations, template, noise), and its file's name."""

    kind: str
    name: str
    document: Document

    @property
    def path(self) -> str:
        """The file, relative to the root."""
        return self.document.path

    def problem(self, what: str, hint: str = "", steps: Steps | None = None) -> Problem:
        """A Problem at a part of the file, else at its name."""
        key = {"operations": "skill"}.get(self.kind, "name")
        return self.document.problem((key,) if steps is None else steps, what, hint, key=True)

    def wants(self, specs: Catalogue, plan: Plan) -> bool:
        """Whether a task of the plan might use it."""
        if self.kind in ("persona", "scenario", "domain"):
            return bool(getattr(plan, self.kind) == self.name)
        operations = [specs.operation(o) for o in plan.operations]
        if self.kind == "operations":
            return any(o.skill == self.name for o in operations)
        if self.kind == "template":
            return any(o.spec["yields"]["as"] == self.name for o in operations)
        return any(r.get("noise") for r in specs.domains[plan.domain]["relations"].values())

    def near(self, specs: Catalogue, scenario: Spec) -> bool:
        """Whether a task of the scenario might use it, as far as the scenario itself tells."""
        if self.kind == "scenario":
            return scenario.name == self.name
        if self.kind == "domain":
            return bool(scenario["domain"] == self.name)
        if self.kind == "persona":
            return bool(set(specs.personas[self.name]["circles"]) & set(scenario["circles"]))
        operations = [specs.operation(o) for steps in scenario["workflows"].values() for o in steps]
        if self.kind == "operations":
            return any(o.skill == self.name for o in operations)
        return self.kind != "template" or any(o.spec["yields"]["as"] == self.name for o in operations)

    def used(self, refs: Iterable[SpecRef]) -> bool:
        """Whether a task with this provenance came from it."""
        return any(ref.path == self.path for ref in refs)


def aim(path: str, root: Path = Path()) -> Aim:
    """The spec at a path; a skill also by its folder, its SKILL.md or one of its solutions. Raises UserError where there is none."""
    asked = (root / path).resolve()
    skills = (root / "skills").resolve()
    if asked.exists() and asked.is_relative_to(skills) and asked != skills:
        asked = skills / asked.relative_to(skills).parts[0] / "operations.yaml"
    for kind, name, file in corpus.files(root):
        if file.resolve() == asked and kind not in ("taxonomy", "params"):
            return Aim(kind, name, located.load(file, file.relative_to(root).as_posix()))
    hint = "name a persona, scenario, domain or template, specs/noise.yaml, or a skill's operations.yaml"
    raise UserError([Problem(path, 1, 1, "SPEC", "no spec that tasks could use" if asked.exists() else "no such file", hint)])
