"""The stage `validate`: all YAML against its schemas and against each other; every mistake located, all in one run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from specs import corpus, crosscheck, errors, layout
from specs.corpus import Corpus
from specs.errors import Problem, UserError


def validate(root: Path) -> tuple[Corpus, list[Problem]]:
    """Everything that is wrong with the spec tree under `root`, sorted by place; and the tree."""
    found, problems = corpus.read(root)
    told = {(p.path, p.where) for p in problems}
    return found, sorted({*problems, *(p for p in crosscheck.check(found) if (p.path, p.where) not in told)})


def counts(found: Corpus) -> dict[str, int]:
    """How many there are of each thing."""
    domains, scenarios = found.all("domain").values(), found.all("scenario").values()
    operations = [o for e in found.all("operations").values() for o in e.value.get("operations", [])]
    templates = [t.value for t in found.all("template").values()]
    kinds = [k for e in found.all("noise").values() for k in e.value.get("noise", [])]
    demands = [d for o in operations for d in o.get("demands", {}).values()]
    said = [*demands, *operations, *templates, *kinds, *(d for t in templates for d in t.get("demands", {}).values())]
    return {
        "domains": len(domains),
        "relations": sum(len(d.value.get("relations", {})) for d in domains),
        "skills": len(found.all("operations")),
        "operations": len(operations),
        "demands": len(demands),
        "sayings": sum(len(s.get("say", [])) for s in said) + sum(len(p) for s in scenarios for p in s.value.get("phrases", {}).values()),
        "scenarios": len(scenarios),
        "workflows": sum(len(s.value.get("workflows", {})) for s in scenarios),
        "personas": len(found.all("persona")),
        "templates": len(templates),
    }


def within(problems: Sequence[Problem], paths: Sequence[str], root: Path) -> list[Problem]:
    """Those of the problems that lie in the given files or folders. Raises UserError for a path that is not there."""
    missing = [Problem(p, 1, 1, "", "no such file or folder") for p in paths if not (root / p).exists()]
    if missing:
        raise UserError(missing)
    asked = [(root / p).resolve() for p in paths]
    return [p for p in problems if any((root / p.path).resolve().is_relative_to(a) for a in asked)]


def main(argv: Sequence[str]) -> int:
    """`python -m specs.validate [PATH...]`: with paths, only their mistakes are shown. Raises UserError with all of them."""
    root = Path()
    found, problems = validate(root)
    if argv:
        problems = within(problems, argv, root)
    if problems:
        raise UserError(problems)
    summary = counts(found)
    print("valid: " + ", ".join(f"{n} {what}" for what, n in summary.items()))
    if not argv:
        _write(layout.METRICS / "validate.json", summary)
    return 0


def _write(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    errors.run(main)
