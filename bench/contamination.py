"""What of the training tasks is seen again on the bench: who asks, in which story, with which values and files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.entries import Entry
from generators import draw
from specs import layout, shards
from specs.catalogue import Catalogue, Spec
from specs.errors import Problem, UserError
from specs.progress import track

OPEN = ("key", "party", "title", "place", "text")  # roles whose values are to belong to one split each
TWINS = ("", "/decoy")  # what the compiler puts behind a task's seed to draw its relations, and their outdated twins
Values = Mapping[str, set[str]]  # by what they are


def figures(tasks: Sequence[Entry], specs: Catalogue, full: bool) -> dict[str, Any]:
    """For each kind of thing how many there are, how many in both splits, and what share of the bench's these are.

    `values` are those under the open roles in the hidden relations, `files` the input files by content.
    """
    own = [(e.split, {"personas": {e.persona}, "scenarios": {e.scenario}, "files": {d for _, d in e.inputs}}) for e in tasks]
    return {**_shares(own), "values": _shares(_drawn_again(tasks, specs, full))}


def _shares(parts: Iterable[tuple[str, Values]]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: {"train": set(), "bench": set()})
    for split, values in parts:
        for name, some in values.items():
            found[name][split] |= some
    return {name: shared(**by_split) for name, by_split in found.items()}


def shared(train: set[str], bench: set[str]) -> dict[str, float]:
    """How many different things there are, how many of them in both splits, and what share of the bench's these are."""
    both = train & bench
    return {"different": len(train | bench), "shared": len(both), "share": round(len(both) / len(bench), 4) if bench else 0.0}


def _drawn_again(tasks: Sequence[Entry], specs: Catalogue, full: bool) -> Iterable[tuple[str, Values]]:
    wanted = {e.id: e for e in tasks}
    root = layout.build(layout.PROVENANCE, full)
    with track("values", len(wanted)) as advance:
        for row in shards.columns(root, ("id", "seed", "specs")):
            if row["id"] in wanted:
                task = wanted[row["id"]]
                domain = specs.domains[task.domain]
                if {"path": domain.path, "name": domain.name, "digest": domain.digest} not in row["specs"]:
                    raise UserError(
                        [Problem(domain.path, 1, 1, task.id, "this domain has changed since the task was compiled", "compile again")]
                    )
                yield task.split, drawn(domain, task.split, row["seed"])
                advance()


def drawn(domain: Spec, split: str, seed: str) -> dict[str, set[str]]:
    """The values under each open role in a task's hidden relations and their outdated twins.

    They are drawn again from the seed that provenance records; what witnesses planted later is not among them.
    """
    found: dict[str, set[str]] = {role: set() for role in OPEN}
    for twin in TWINS:
        for relation in draw.draw(domain.value, list(domain["relations"]), split, seed + twin).values():
            for column in relation.columns:
                role = "key" if column.role == "ref" else column.role  # a reference that leads nowhere is a key, too
                if role in found:
                    found[role].update(str(v) for v in relation.values(column.name) if v is not None)
    return found
