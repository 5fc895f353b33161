"""What would never come to a task: operations that no domain serves, skills that ask for tasks and stand in no workflow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specs import bindable
from specs.corpus import Corpus, Entry
from specs.errors import Problem


def check(corpus: Corpus) -> Iterator[Problem]:
    """Problems of operations and skills that nothing else refers to in the way they need. What can't be read is given the benefit."""
    domains = corpus.all("domain")
    if domains and not _unread(corpus, "domain") and all(d.whole for d in domains.values()):
        for entry in corpus.all("operations").values():
            yield from _served(entry, {name: d.value["relations"] for name, d in domains.items()})
    scenarios = corpus.all("scenario")
    if not _unread(corpus, "scenario") and all("workflows" in s.value for s in scenarios.values()):
        used = {identity for s in scenarios.values() for steps in s.value["workflows"].values() for identity in steps}
        for entry in corpus.all("operations").values():
            yield from _used(entry, used)


def _unread(corpus: Corpus, kind: str) -> bool:
    return any(k == kind for k, _ in corpus.unread)


def _served(entry: Entry, domains: dict[str, Any]) -> Iterator[Problem]:
    """Each operation must find its inputs in the relations of some domain."""
    for i, operation in enumerate(entry.value.get("operations", []) if entry.whole else []):
        lacks = {name: bindable.lacking(relations, operation) for name, relations in domains.items()}
        if all(lacks.values()):
            nearest = min(lacks, key=lambda name: (len(lacks[name]), name))
            yield entry.problem(
                ("operations", i, "takes"),
                "no domain has relations that serve it",
                f"nearest is {nearest}, which lacks {', '.join(lacks[nearest])}",
            )


def _used(entry: Entry, used: set[str]) -> Iterator[Problem]:
    own = [f"{entry.name}.{o['name']}" for o in entry.value.get("operations", []) if "name" in o]
    if entry.value.get("tasks", 0) > 0 and own and not set(own) & used:
        yield entry.problem(
            ("tasks",), "no workflow has an operation of this skill, so it can have no tasks", f"name {own[0]} in a scenario, or write 0"
        )
