"""Stage compile: all plans to tasks, verifiers, solutions, provenance and candidates, the same bytes with any number of workers."""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import math
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from generators import database, outcomes, refusals, together
from generators.outcomes import PARTS, Outcome
from generators.plan import Plan, plans
from generators.questions import Database
from generators.rewriting import applying
from generators.task import Built, Rejected, build
from specs import catalogue, digests, errors, layout, params, records, rows, shards
from specs.catalogue import Catalogue
from specs.errors import UserError
from specs.progress import track
from specs.records import SpecRef
from specs.store import Store

CODE = ("generators", "specs")
HERE = Path(__file__).resolve().parent.parent
PART, PARTS_A_WORKER = 512, 4  # plans that a worker takes at a time: at most so many, and fewer where it would get fewer parts than that


@cache
def _specs(root: Path) -> Catalogue:
    return catalogue.load(root)


@cache
def code_digest() -> str:
    """Digest of the compiler's own code and of the libraries that its bytes depend on."""
    paths = [p for folder in CODE for p in sorted((HERE / folder).rglob("*.py"))]
    return digests.digest([{p.relative_to(HERE).as_posix(): digests.of_bytes(p.read_bytes()) for p in paths}, libraries()])


def libraries() -> dict[str, str]:
    """Versions of the libraries whose output is in the tasks."""
    return {name: version(name) for name in ("duckdb", "inflect", "Jinja2", "openpyxl", "PyYAML")}


def used(specs: Catalogue, plan: Plan) -> list[SpecRef]:
    """All entries that a plan's task can depend on; a skill by its folder, with the digest of what of it enters a box."""
    operations = [specs.operation(o) for o in plan.operations]
    domain = specs.domains[plan.domain]
    found = [domain, specs.scenarios[plan.scenario], specs.personas[plan.persona], *(o.spec for o in operations)]
    found += [specs.templates[o.spec["yields"]["as"]] for o in operations]
    found += [specs.noise[k] for r in domain["relations"].values() for k in r.get("noise", [])]
    skills = [specs.skills[o.skill] for o in operations]
    found += [specs.wordings[plan.id]] if plan.id in specs.wordings else []
    return list(dict.fromkeys([*(s.ref for s in found), *(SpecRef(s.path, s.name, s.digest) for s in skills)]))


def key(specs: Catalogue, plan: Plan, seed: int) -> str:
    """Digest of all that one task depends on: its plan, the entries it uses, the seed, the code, other words for it."""
    words = applying.key(specs, plan.id)
    return digests.digest([list(vars(plan).values()), [ref.digest for ref in used(specs, plan)], seed, code_digest(), *words])


def run(wanted: Sequence[Plan], seed: int, workers: int, root: Path = Path()) -> Iterator[Outcome]:
    """Each plan's outcome, in order of the plans.

    All that are missing in the store are made first, those of the same operations side by side.
    """
    with closing(Store()) as store:
        keys = [key(_specs(root), plan, seed) for plan in wanted]
        missing = set(store.missing("compile", keys))
        todo = sorted(((plan, item) for plan, item in zip(wanted, keys, strict=True) if item in missing), key=_kinship)
        with track("compile", len(wanted)) as advance:
            for _ in range(len(wanted) - len(todo)):
                advance(kept=True)
            for made in _made(store, todo, seed, workers, root):
                for _ in range(made):
                    advance()
        for item in keys:
            yield store.kept("compile", item)


def _kinship(one: tuple[Plan, str]) -> tuple[object, ...]:
    plan, _ = one
    return plan.operations, plan.domain, plan.id


def _made(store: Store, todo: Sequence[tuple[Plan, str]], seed: int, workers: int, root: Path) -> Iterator[int]:
    """Make the outcomes of plans and keep them under their keys; how many more are kept, again and again."""
    if workers <= 1:
        yield from _kept(store, todo, seed, root)
        return
    size = max(1, min(PART, math.ceil(len(todo) / (PARTS_A_WORKER * workers))))
    parts = [todo[at : at + size] for at in range(0, len(todo), size)]
    with ProcessPoolExecutor(workers, initializer=gc.freeze) as pool:  # the specs stay: no collection need walk through them
        yield from pool.map(_make, parts, itertools.repeat(seed), itertools.repeat(root))


def _make(part: Sequence[tuple[Plan, str]], seed: int, root: Path) -> int:
    """Make a part of the outcomes in a worker; how many."""
    return sum(_kept(_store_of_worker(), part, seed, root))


def _kept(store: Store, part: Sequence[tuple[Plan, str]], seed: int, root: Path) -> Iterator[int]:
    """Make a part of the outcomes side by side and keep each as it ends; 1 for each."""
    specs = _specs(root)
    work = [partial(_outcome, specs, plan, item, seed) for plan, item in part]
    for item, found in together.run(work, database.of_process(os.getpid())):
        store.put("compile", item, found)
        yield 1


@cache
def _store_of_worker() -> Store:
    """The store, opened once by a worker process; all that is put there is kept at once."""
    return Store()


def _outcome(specs: Catalogue, plan: Plan, item: str, seed: int, db: Database) -> tuple[str, Outcome]:
    """What comes of one plan, packed, and the key it is kept under."""
    built = build(specs, plan, seed, {"libraries": libraries(), "schema": records.SCHEMA_VERSION}, db)
    return item, outcomes.packed(applying.reworded(specs, _rows(built)) if isinstance(built, Built) else _refusal(built))


def _rows(built: Built) -> dict[str, Any]:
    return {name: rows.to_row(getattr(built, name)) for name, _, _ in PARTS}


def _refusal(rejected: Rejected) -> Outcome:
    return {"rejected": {"id": rejected.id, "operations": list(rejected.operations), "reason": rejected.reason}}


def export(made: Iterable[tuple[Plan, Outcome]], full: bool) -> list[tuple[Plan, str]]:
    """Write the shards of all parts while outcomes come in, in order of split and id; each plan with why it was rejected, or nothing."""
    told: list[tuple[Plan, str]] = []
    with ExitStack() as stack:
        writers = {name: stack.enter_context(shards.Writer(layout.build(root, full), cls)) for name, root, cls in PARTS}
        for plan, outcome in made:
            reason = outcome["rejected"]["reason"] if "rejected" in outcome else ""
            told.append((plan, reason))
            for name, writer in writers.items() if not reason else ():
                writer.add_batch(plan.split, plan.id, outcomes.batch(outcome, name))
    return told


def summary(told: Sequence[tuple[Plan, str]]) -> dict[str, Any]:
    """metrics/compile.json: what was planned, made and refused, and each operation's share in it."""
    refused = [(plan, reason) for plan, reason in told if reason]
    planned, lost = (Counter(o for plan, _ in part for o in set(plan.operations)) for part in (told, refused))
    return {
        "planned": len(told),
        "compiled": len(told) - len(refused),
        "rejected": dict(sorted(Counter(reason for _, reason in refused).items())),
        "rejected_operations": dict(sorted(lost.items())),
        "operations": {name: {"planned": n, "compiled": n - lost[name]} for name, n in sorted(planned.items())},
    }


def main(argv: Sequence[str]) -> int:
    """`python -m generators.compile`; `--workers` and `--scale` override params.yaml; `--full` makes the full build, into data/full.

    Raises UserError, after all is written, for specs of which too little comes out.
    """
    section = params.section("compile")
    parser = argparse.ArgumentParser(prog="python -m generators.compile", description=__doc__)
    parser.add_argument("--workers", type=int, default=section["workers"])
    parser.add_argument("--scale", type=float)
    parser.add_argument("--full", action="store_true", help="at the scale of params.yaml's section full, into data/full")
    arguments = parser.parse_args(argv)
    scale = params.section("full")["scale"] if arguments.full else section["scale"]
    scale = scale if arguments.scale is None else arguments.scale
    specs = _specs(Path())
    found = plans(specs, scale, section["bench_share"])
    wanted = sorted(found, key=lambda p: (p.split, p.id))
    tally = applying.Tally()
    made = zip(wanted, run(wanted, section["seed"], arguments.workers), strict=True)
    told = export(tally.over(specs, made), arguments.full)
    if misfits := tally.problems(specs):
        raise UserError(misfits)
    for idle in tally.idle(specs):
        print(f"warning: {idle}", file=sys.stderr)
    for plan, reason in told:
        if reason:
            print(f"rejected {plan.id} ({', '.join(plan.operations)}): {reason}", file=sys.stderr)
    for name, figures in {"compile": summary(told), "wording": tally.figures()}.items():
        metrics = layout.build(layout.METRICS / f"{name}.json", arguments.full)
        metrics.parent.mkdir(exist_ok=True)
        metrics.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if tally.unasked:
        print(f"{tally.unasked} tasks have no recorded answers: `make reword` asks for them", file=sys.stderr)
    print(f"compiled {sum(not reason for _, reason in told)} of {len(wanted)} tasks")
    refusals.check(specs, told, scale, section)
    return 0


if __name__ == "__main__":
    errors.run(main)
