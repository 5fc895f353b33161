"""One side of a comparison: specs under a root, the tasks planned from them, and each task's key; and sketches of those compiled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from generators import compile, outcomes
from generators.outcomes import Outcome
from generators.plan import Plan, plans
from specs import catalogue, digests, params
from specs.catalogue import Catalogue

PARAMS = ("seed", "scale", "bench_share")
SKILLS = ".skills/"


@dataclass(frozen=True)
class Side:
    """Specs and what they plan. `keys`: by task id the digest of all that the task depends on. `entries`: digests by (path, name)."""

    root: Path
    specs: Catalogue
    params: dict[str, Any]
    plans: dict[str, Plan]
    keys: dict[str, str]
    entries: dict[tuple[str, str], str]

    def used(self, identity: str) -> set[tuple[str, str]]:
        """The entries that a planned task can depend on, and the quota that it is owed to."""
        plan = self.plans[identity]
        found = {(ref.path, ref.name) for ref in compile.used(self.specs, plan)}
        return found | {quota(self.specs.skills[plan.owner].path)} if plan.route == "skill" else found


def side(root: Path) -> Side:
    """Read the specs under `root` and plan their tasks; nothing is compiled. Raises UserError for specs that can't be read."""
    specs, section = catalogue.load(root), params.section("compile", root / "params.yaml")
    planned = {p.id: p for p in plans(specs, section["scale"], section["bench_share"])}
    keys = {i: compile.key(specs, p, section["seed"]) for i, p in planned.items()}
    return Side(root.resolve(), specs, {n: section[n] for n in PARAMS}, planned, keys, dict(_entries(specs)))


def quota(skill_path: str) -> tuple[str, str]:
    """The entry that stands for how many tasks a skill owns."""
    return f"{skill_path}/operations.yaml", "tasks"


def _entries(specs: Catalogue) -> Iterator[tuple[tuple[str, str], str]]:
    for kind in (specs.domains, specs.scenarios, specs.personas, specs.templates, specs.noise, specs.wordings):
        yield from (((s.path, s.name), s.digest) for s in kind.values())
    for skill in specs.skills.values():
        yield (skill.path, skill.name), skill.digest
        yield quota(skill.path), str(skill.tasks)
        yield from (((o.spec.path, o.spec.name), o.spec.digest) for o in skill.operations.values())


@dataclass(frozen=True)
class Sketch:
    """What a comparison needs of a compiled task, or the reason why there is none in `rejected`. `parts`: digests of what it is made of."""

    id: str
    key: str
    category: str
    operations: tuple[str, ...]
    rejected: str
    parts: dict[str, str]
    difficulty: int = 0
    formats: tuple[str, ...] = ()  # suffixes of its input files, one a file
    words: int = 0  # of the instruction


def sketches(of: Side, identities: Iterable[str], workers: int) -> dict[str, Sketch]:
    """Compile the tasks of these ids, or take them from the store; a sketch of each."""
    wanted = [of.plans[i] for i in sorted(identities)]
    made = compile.run(wanted, of.params["seed"], workers, of.root)
    return {plan.id: _sketch(of, plan, outcome) for plan, outcome in zip(wanted, made, strict=True)}


def _sketch(of: Side, plan: Plan, outcome: Outcome) -> Sketch:
    key = of.keys[plan.id]
    if "rejected" in outcome:
        category = of.specs.scenarios[plan.scenario]["category"]
        return Sketch(plan.id, key, category, plan.operations, outcome["rejected"]["reason"], {})
    task, verifier, solution = (outcomes.row(outcome, part) for part in ("task", "verifier", "solution"))
    files = [f for f in task["workspace"] if not f["path"].startswith(SKILLS)]
    rest = {k: v for k, v in task.items() if k not in ("id", "digest", "instruction", "workspace")}
    parts = {
        "instruction": digests.digest(task["instruction"]),
        "files": digests.digest([[f["path"], f["mode"], f["digest"]] for f in task["workspace"]]),
        "checks": verifier["digest"],
        "solution": solution["digest"],
        "mutants and equivalents": digests.digest(outcomes.row(outcome, "candidates")),
        "what it is filed under": digests.digest(rest),
    }
    formats = tuple(PurePosixPath(f["path"]).suffix.lstrip(".") or "none" for f in files)
    words = len(task["instruction"].split())
    return Sketch(plan.id, key, task["category"], plan.operations, "", parts, task["difficulty"], formats, words)


def planned(of: Side) -> dict[str, Counter[str]]:
    """How many tasks are planned by category, and how many by each operation they use."""
    categories = Counter(str(of.specs.scenarios[p.scenario]["category"]) for p in of.plans.values())
    return {"category": categories, "operation": Counter(o for p in of.plans.values() for o in set(p.operations))}
