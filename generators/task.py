"""One task from its plan: draw, arrange, plant, write, word, verify. Pure: the same specs and seed give the same task."""

from __future__ import annotations

import bisect
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import UndefinedError

from generators import (
    artifacts,
    candidates,
    chain,
    database,
    draw,
    instruction,
    making,
    noises,
    packages,
    playing,
    rubrics,
    witness,
    workspace,
)
from generators.artifacts import Artifact
from generators.chain import Step
from generators.naming import Asked
from generators.noises import Noise
from generators.operate import Unfit
from generators.places import Places
from generators.plan import Plan
from generators.questions import Database
from generators.rewriting.records import Wording
from generators.rewriting.stating import wording_of
from generators.statements import TruthError
from specs import records
from specs.catalogue import Catalogue, Spec
from specs.records import Candidates, Check, Limits, Protected, Provenance, Service, Solution, SpecRef, Task, Verifier

ATTEMPTS = 24
LEVELS = (6, 9, 11, 13)  # the most ways to go wrong of the difficulties 1 to 4
STRICT = 3  # attempts in which a later step has to need the earlier one


@dataclass(frozen=True)
class Built:
    """A compiled task, in the six records that its parts go to."""

    task: Task
    verifier: Verifier
    solution: Solution
    provenance: Provenance
    candidates: Candidates
    wording: Wording


@dataclass(frozen=True)
class Rejected:
    """A plan that gave no task, and why."""

    id: str
    operations: tuple[str, ...]
    reason: str


def build(catalogue: Catalogue, plan: Plan, seed: int, versions: dict[str, Any], db: Database | None = None) -> Built | Rejected:
    """The task of a plan, by the process's own database where none is given.

    A draw that can't serve is followed by the next of this task alone; after ATTEMPTS the plan is rejected.
    """
    reason = ""
    db = db or database.of_process(os.getpid())
    for attempt in range(ATTEMPTS):
        try:
            return _attempt(db, catalogue, plan, f"{seed}/{plan.id}/{attempt}", attempt < STRICT, versions)
        except (Unfit, candidates.Surviving) as error:
            reason = str(error)
        except instruction.Unsaid as error:
            reason = f"not said: {error}"
        except (TruthError, UndefinedError) as error:
            return Rejected(plan.id, plan.operations, str(error))
    return Rejected(plan.id, plan.operations, reason)


def _attempt(db: Database, catalogue: Catalogue, plan: Plan, seed: str, strict: bool, versions: dict[str, Any]) -> Built:
    scenario, persona = catalogue.scenarios[plan.scenario], catalogue.personas[plan.persona]
    domain = catalogue.domains[plan.domain].value
    operations = [catalogue.operation(o) for o in plan.operations]
    names = list(domain["relations"])
    drawn = draw.draw(domain, names, plan.split, seed)
    rng = random.Random(f"{seed}/arrange")
    steps, _ = chain.arrange(db, operations, domain, drawn, rng, strict)
    used = list(dict.fromkeys(i.base for s in steps for i in s.inputs.values() if i.step < 0))
    mains = {i.base for s in steps for i in list(s.inputs.values())[:1] if i.step < 0}
    other = draw.draw(domain, used, plan.split, f"{seed}/decoy")
    settled = witness.settle(db, steps, drawn, {n: other[n] for n in used}, strict)
    bases, answers = settled.bases, settled.answers
    form = workspace.forms(domain, bases, other, used, steps, rng)
    offered = {
        n: [catalogue.noise[k] for k in domain["relations"][n].get("noise", []) if form[n] in catalogue.noise[k]["formats"]] for n in used
    }
    kept = noises.choose(db, steps, bases, answers, offered, rng)
    places = Places(persona["habits"])
    written = workspace.write(domain, bases, {n: other[n] for n in used if n in mains}, form, kept, used, places, seed)
    asked, packages = _ask(db, catalogue, plan, steps, settled, domain, written, places, seed)
    noted = [(n, bases[n.relation]) for n in kept]
    composed = instruction.compose(catalogue, (scenario, persona), asked, written, noted, seed)
    pages = sorted([records.file_of(p, c) for p, c in written.pages.items()], key=lambda f: f.path)
    files = sorted([records.file_of(p, c) for p, c in {**written.files, **packages}.items()], key=lambda f: f.path)
    originals = _originals(persona, files, written)
    task = _task(catalogue, plan, asked, kept, chained(asked, settled.mutants), composed.text, files, pages)
    turns = playing.play(asked, bases, answers, written, seed)
    return Built(
        task,
        _verifier(catalogue, plan, asked, originals),
        records.sealed(Solution(plan.id, "", turns)),
        Provenance(plan.id, _specs(catalogue, plan, asked, kept), seed, versions, "compiled"),
        Candidates(plan.id, candidates.of_task(plan.id, asked, settled.mutants, kept, originals)),
        wording_of(plan.id, (scenario, persona), composed),
    )


def _ask(
    db: Database,
    catalogue: Catalogue,
    plan: Plan,
    steps: list[Step],
    settled: witness.Settled,
    domain: dict[str, Any],
    written: workspace.Written,
    places: Places,
    seed: str,
) -> tuple[list[Asked], dict[str, bytes]]:
    """Each step with its artifact; and the files of packages that code steps work on."""
    story = (catalogue.scenarios[plan.scenario], catalogue.personas[plan.persona])
    bases, answers = settled.bases, settled.answers
    rng = random.Random(f"{seed}/artifacts")
    asked: list[Asked] = []
    files: dict[str, bytes] = {}
    for number, (step, answer) in enumerate(zip(steps, answers, strict=True)):
        package: Artifact | None = None
        if step.operation.packaged:
            package, more = packages.package_of(db, step, bases, domain, plan.split, places, seed)
            files |= more
        artifact = making.artifact_of(steps, step, answer, written, story, places, rng, package)
        inputs = {n: bases[s.base] if s.step < 0 else answers[s.step] for n, s in step.inputs.items()}
        asked.append(Asked(step, artifact, answer, inputs, _unsaid(step, settled, number)))
    return asked, files


def _unsaid(step: Step, settled: witness.Settled, number: int) -> frozenset[str]:
    """Demands of a step that can't matter on its input, but for those that tell what the result has in it."""
    demands = step.operation.spec["demands"]
    return frozenset(name for at, name in settled.moot if at == number and not demands[name].get("always"))


def _originals(persona: Spec, files: list[records.File], written: workspace.Written) -> list[records.File]:
    """The inputs that must keep their digest: where the persona says so, all that the steps read."""
    if not persona["habits"].get("leave_originals", False):
        return []
    paths = [s.path for s in written.sources.values()]
    return [f for f in files if any(f.path == p or f.path.startswith(p + "/") for p in paths)]


def _task(
    catalogue: Catalogue,
    plan: Plan,
    asked: list[Asked],
    kept: list[Noise],
    linked: bool,
    text: str,
    files: list[records.File],
    pages: list[records.File],
) -> Task:
    scenario = catalogue.scenarios[plan.scenario]
    skills = tuple(dict.fromkeys(a.step.operation.skill for a in asked))
    outputs = tuple(dict.fromkeys(o for a in asked for o in artifacts.outputs(a.artifact, a.answer)))
    return records.sealed(
        Task(
            id=plan.id,
            digest="",
            route=plan.route,
            split=plan.split,
            category=scenario["category"],
            subcategory=scenario["subcategory"],
            operations=plan.operations,
            skills=skills,
            persona=plan.persona,
            scenario=plan.scenario,
            domain=plan.domain,
            difficulty=difficulty(asked, kept),
            chained=linked,
            instruction=text,
            workspace=tuple([*workspace.skill_files(catalogue, skills), *files]),
            services=(Service("site", tuple(pages)),) if pages else (),
            outputs=outputs,
            limits=Limits(steps=10 + 4 * len(asked), seconds=300, tokens=16_000),
        )
    )


def difficulty(asked: Sequence[Asked], kept: Sequence[Noise]) -> int:
    """1 to 5, by how many things one can overlook and get another result: the demands that are said, and the kinds of noise.

    Up to 6 of them are level 1, up to 9 level 2, up to 11 level 3, up to 13 level 4, more level 5.
    """
    ways = sum(len(set(a.step.operation.spec["demands"]) - a.moot) for a in asked) + len(kept)
    return 1 + bisect.bisect_left(LEVELS, ways)


def chained(asked: list[Asked], mutants: list[witness.Mutant]) -> bool:
    """Whether there are three steps or more, and skipping one that another builds on changes what the last of those behind it yields."""
    return len(asked) >= 3 and any(m.skips and _changes_the_end(asked, m) for m in mutants)


def _changes_the_end(asked: list[Asked], mutant: witness.Mutant) -> bool:
    """Whether the last step that depends on the mutant's own yields something else."""
    behind = {mutant.step}
    for number in range(mutant.step + 1, len(asked)):
        if any(i.step in behind for i in asked[number].step.inputs.values()):
            behind.add(number)
    last = max(behind)
    return not mutant.answers[last].agrees(asked[last].answer)


def _verifier(catalogue: Catalogue, plan: Plan, asked: list[Asked], originals: list[records.File]) -> Verifier:
    checks = []
    for number, one in enumerate(asked, 1):
        params = artifacts.of(one.artifact).check(one.artifact, one.answer)
        for check in catalogue.templates[one.artifact.kind]["checks"]:
            name = f"{number}-{one.step.operation.spec.name}-{check['id']}"
            checks.append(Check(name, check["kind"], params, float(check["weight"]), one.step.operation.id))
    protected = tuple(Protected(f.path, f.digest) for f in originals)
    judged = rubrics.rubric(catalogue, asked)
    return records.sealed(Verifier(plan.id, "", tuple(checks), judged, rubrics.weights(judged), protected))


def _specs(catalogue: Catalogue, plan: Plan, asked: list[Asked], kept: list[Noise]) -> tuple[SpecRef, ...]:
    """All YAML entries that the task came from."""
    refs = [catalogue.personas[plan.persona].ref, catalogue.scenarios[plan.scenario].ref, catalogue.domains[plan.domain].ref]
    for skill in dict.fromkeys(a.step.operation.skill for a in asked):
        refs.append(catalogue.skill_ref(skill))
    refs += [a.step.operation.spec.ref for a in asked]
    refs += [catalogue.templates[a.artifact.kind].ref for a in asked]
    refs += [catalogue.noise[n.kind].ref for n in kept]
    return tuple(dict.fromkeys(refs))
