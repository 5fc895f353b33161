"""Artifacts of a task: for each step where its yield goes, in which format, with what it takes to write and check it."""

from __future__ import annotations

import random
from collections.abc import Sequence

from generators import chain
from generators.artifacts import Artifact, cited
from generators.chain import Step
from generators.operate import Unfit
from generators.places import Places
from generators.relations import Relation
from generators.renderers import EXTENSIONS
from generators.workspace import Written
from specs.catalogue import Spec

WORD_LIMITS = (50, 60, 80)


def artifact_of(
    steps: Sequence[Step],
    step: Step,
    answer: Relation,
    written: Written,
    story: tuple[Spec, Spec],
    places: Places,
    rng: random.Random,
    package: Artifact | None,
) -> Artifact:
    """Where this step's yield goes. `story` is (scenario, persona); `package` the code artifact made before, where the step is code.

    Raises Unfit where the lines of an answer can't be cited.
    """
    scenario, persona = story
    yields = step.operation.spec["yields"]
    kind = yields["as"]
    stem = scenario.get("outputs", {}).get(step.operation.id, step.operation.spec.name)
    main = next(iter(step.inputs.values()))
    columns = _columns(step, answer)
    if step.operation.packaged:
        if package is None:
            raise Unfit("no package")
        return package
    if kind in ("tree", "files"):
        source = written.sources[main.base]
        inputs = {p: c for p, c in written.files.items() if p == source.path or p.startswith(source.path + "/")}
        return Artifact(kind, source.path, source.form, columns, inputs)
    if kind == "calendar":
        return Artifact(kind, places.output(stem, "ics"), "ics", columns)
    if kind == "message":
        form = "md" if "md" in persona["habits"]["formats"] else "txt"
        details = {"facts": yields["facts"], "person": rng.choice(scenario.get("people") or ["Robin"]), "limit": rng.choice(WORD_LIMITS)}
        return Artifact(kind, places.output(stem, form), form, columns, details=details)
    form = _form(persona["habits"]["formats"], rng)
    if kind == "cited":
        base = chain.origin(steps, main)
        return Artifact(kind, places.output(stem, EXTENSIONS[form]), form, columns, details=cited.details(answer, written, base))
    return Artifact(kind, places.output(stem, EXTENSIONS[form]), form, columns)


def _form(preferred: Sequence[str], rng: random.Random) -> str:
    """Mostly the persona's first choice, at times a later one."""
    offered = [f for f in preferred if f in ("csv", "json", "jsonl", "md", "yaml", "tsv")] or ["csv"]
    return offered[0] if rng.random() < 0.6 else rng.choice(offered)


def _columns(step: Step, answer: Relation) -> tuple[str, ...]:
    """The truth's names of the answer's columns: the view's where they are the input's own."""
    declared = step.operation.spec["yields"].get("columns")
    if declared != "same":
        return tuple(declared)
    main = next(iter(step.inputs.values()))
    bound = {column: name for name, column in main.names.items()}
    return tuple(bound.get(c.name) or (f"{c.name}_" if c.name in main.names else c.name) for c in answer.columns)
