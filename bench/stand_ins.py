"""Stories for what no story has yet: a domain without a scenario, an operation in no workflow, a persona of other circles.

For trying out, never for the dataset.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from bench.aims import Aim
from generators.plan import rank, split_of
from specs import bindable
from specs.catalogue import Catalogue, Operation, Spec

PREFIX = "stand-in-"
DOMAINS = 3  # that an operation is tried on
STORIES = 3  # that a persona is lent
OPERATIONS = 12  # that a domain is tried with


def stories(specs: Catalogue, aim: Aim, share: float) -> dict[str, Spec]:
    """Scenarios by name for what the aim has and no workflow uses; empty where all of it is used."""
    if aim.kind == "domain" and not any(s["domain"] == aim.name for s in specs.scenarios.values()):
        return _named([_story(specs, aim.name, _served(specs, aim.name), share)])
    if aim.kind == "operations":
        used = {o for s in specs.scenarios.values() for steps in s["workflows"].values() for o in steps}
        idle = [o for o in specs.skills[aim.name].operations.values() if o.id not in used]
        turns = itertools.zip_longest(*([(domain, o) for domain in _serving(specs, o)] for o in idle))
        return _named(_story(specs, domain, [o], share) for domain, o in filter(None, itertools.chain.from_iterable(turns)))
    if aim.kind == "persona":
        return _moved(specs, specs.personas[aim.name], share)
    return {}


def _moved(specs: Catalogue, persona: Spec, share: float) -> dict[str, Spec]:
    """Stories of others, told in the persona's circles and split, where none of theirs are."""
    split, circles = split_of(persona, share), persona["circles"]
    if any(split_of(s, share) == split and set(s["circles"]) & set(circles) for s in specs.scenarios.values()):
        return {}
    chosen = rank(specs.scenarios, "stand-in", persona.name)[:STORIES]
    return _named({**specs.scenarios[n].value, "circles": circles, "split": split} for n in chosen)


def _served(specs: Catalogue, domain: str) -> list[Operation]:
    fit = {o.id: o for o in specs.operations() if bindable.unbindable(specs.domains[domain]["relations"], [o.spec.value]) is None}
    return [fit[name] for name in rank(fit, "stand-in", domain)[:OPERATIONS]]


def _serving(specs: Catalogue, operation: Operation) -> list[str]:
    fit = [n for n, d in specs.domains.items() if bindable.unbindable(d["relations"], [operation.spec.value]) is None]
    return rank(fit, "stand-in", operation.id)[:DOMAINS]


def _named(found: Iterable[dict[str, Any]]) -> dict[str, Spec]:
    values = [{**value, "name": f"{PREFIX}{n}"} for n, value in enumerate(found, 1) if value["workflows"]]
    return {v["name"]: Spec("", v["name"], v, "") for v in values}


def _story(specs: Catalogue, domain: str, operations: list[Operation], share: float) -> dict[str, Any]:
    """A story in words that fit anything, told by people who own the domain, else by anybody; each operation is a workflow of its own."""
    first = next(iter(specs.scenarios.values()))
    owners = list(specs.domains[domain]["owners"])
    in_place = any(o.in_place for o in operations)
    free = [p for p in specs.personas.values() if not (in_place and p["habits"].get("leave_originals"))]
    near = [p for p in free if set(p["circles"]) & set(owners)] or free
    return {
        "category": first["category"],
        "subcategory": first["subcategory"],
        "split": split_of(near[0], share) if near else "train",
        "circles": sorted({c for p in near for c in p["circles"]}),
        "domain": domain,
        "because": "I have put this off for long enough, and today is the day.",
        "for": "After that I can close the folder.",
        "workflows": {o.id.replace(".", "-"): [o.id] for o in operations},
        "people": ["Robin"],
        "tasks": 1,
    }
