"""Planning: which persona, scenario, workflow, domain and operations make up task number n of an owner.

Everything is chosen by rendezvous hashing keyed by (route, owner, n, *name* of the candidate), so that adding or
editing a spec changes only the tasks that use it (the highest-random-weight method of Thaler and Ravishankar, 1998).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from specs import digests, splits
from specs.catalogue import Catalogue, Operation, Spec

BySplit = Mapping[str, Sequence[Spec]]


@dataclass(frozen=True)
class Plan:
    """A task to be: who asks, in which story, for which operations over which relations."""

    id: str
    route: str
    split: str
    owner: str
    number: int
    scenario: str
    persona: str
    domain: str
    workflow: str
    operations: tuple[str, ...]


def rank(names: Iterable[str], *key: object) -> list[str]:
    """Names in the order of their rendezvous weight under the key."""
    return sorted(names, key=lambda name: (digests.digest([*map(str, key), name]), name))


def split_of(spec: Spec, share: float) -> str:
    """The one split that a persona or scenario belongs to: its `split:`, else by the hash of its name."""
    return splits.split_of(spec.name, spec.value, share)


def plans(catalogue: Catalogue, scale: float, bench_share: float) -> list[Plan]:
    """All tasks to be, by both routes, in order of id."""
    personas: dict[str, list[Spec]] = {}
    for persona in catalogue.personas.values():
        personas.setdefault(split_of(persona, bench_share), []).append(persona)
    found = [*_persona_route(catalogue, scale, bench_share, personas), *_skill_route(catalogue, scale, bench_share, personas)]
    return sorted(found, key=lambda p: p.id)


def identity(route: str, owner: str, number: int) -> str:
    """The id of task number n of an owner: 12 hexadecimal characters."""
    return digests.digest([route, owner, number])[:12]


def _persona_route(catalogue: Catalogue, scale: float, share: float, personas: BySplit) -> Iterable[Plan]:
    for scenario in catalogue.scenarios.values():
        split = split_of(scenario, share)
        for number in range(round(scenario["tasks"] * scale)):
            workflow = rank(scenario["workflows"], "persona", scenario.name, number)[0]
            operations = tuple(scenario["workflows"][workflow])
            persona = _asker(catalogue, scenario, operations, personas.get(split, ()), ("persona", scenario.name, number))
            if persona:
                key = ("persona", scenario.name, number)
                yield Plan(
                    identity(*key),
                    "persona",
                    split,
                    scenario.name,
                    number,
                    scenario.name,
                    persona,
                    scenario["domain"],
                    workflow,
                    operations,
                )


def _asker(
    catalogue: Catalogue, scenario: Spec, operations: tuple[str, ...], personas: Iterable[Spec], key: tuple[object, ...]
) -> str | None:
    """One of the personas who lives in the scenario's circles and whose habits allow the operations."""
    in_place = any(catalogue.operation(o).in_place for o in operations)
    fit = [
        p.name
        for p in personas
        if set(p["circles"]) & set(scenario["circles"]) and not (in_place and p["habits"].get("leave_originals", False))
    ]
    return rank(fit, *key)[0] if fit else None


def _skill_route(catalogue: Catalogue, scale: float, share: float, personas: BySplit) -> Iterable[Plan]:
    """For each skill its quota: a primary operation, up to two supporting ones out of a workflow that holds it, a story that would ask."""
    for skill in catalogue.skills.values():
        pairs = {f"{s}/{w}/{o}": (s, w, o) for s, w, o in _uses(catalogue, skill.operations.values())}
        for number in range(round(skill.tasks * scale)):
            key = ("skill", skill.name, number)
            for name in rank(pairs, *key):
                scenario_name, workflow, primary = pairs[name]
                scenario = catalogue.scenarios[scenario_name]
                split = split_of(scenario, share)
                operations = _around(tuple(scenario["workflows"][workflow]), primary)
                persona = _asker(catalogue, scenario, operations, personas.get(split, ()), key)
                if persona:
                    yield Plan(
                        identity(*key), "skill", split, skill.name, number, scenario_name, persona, scenario["domain"], workflow, operations
                    )
                    break


def _uses(catalogue: Catalogue, operations: Iterable[Operation]) -> Iterable[tuple[str, str, str]]:
    wanted = {o.id for o in operations}
    for scenario in catalogue.scenarios.values():
        for workflow, steps in scenario["workflows"].items():
            for step in steps:
                if step in wanted:
                    yield scenario.name, workflow, step


def _around(steps: tuple[str, ...], primary: str) -> tuple[str, ...]:
    """The primary operation with up to two that stand before it (they make what it takes), else after it."""
    at = steps.index(primary)
    start = max(0, at - 2)
    return steps[start : max(at + 1, min(len(steps), start + 3))]
