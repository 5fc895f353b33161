"""Which words each task gets: those written by hand, else those of a model that are recorded and pass, else the compiler's own."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from generators.rewriting import byhand
from generators.rewriting.exchange import Exchange, Outcome, Settings, exchange
from generators.rewriting.records import Refusal, Rewording, Wording
from specs import digests, params, recorded, records, rows
from specs.catalogue import Catalogue, Spec
from specs.errors import Problem, UserError
from specs.recorded import Records, Response
from specs.records import Provenance, SpecRef, Task

REWRITTEN, BY_HAND = "rewritten", "by hand"
T = TypeVar("T")
Row = dict[str, Any]


@dataclass(frozen=True)
class Sources:
    """Where other words come from, under one root: a model's settings where rewriting is on, and what is recorded of its responses."""

    settings: Settings | None
    records: Records

    def of(self, task: str) -> dict[str, Response]:
        """The recorded responses about a task; none where rewriting is off."""
        return self.records.of(task) if self.settings else {}


def sources(root: Path) -> Sources:
    """The sources under a root, read once. Its params.yaml may be of a revision that knows no rewriting."""
    return _sources(root.resolve())


@functools.cache
def _sources(root: Path) -> Sources:
    try:
        section = params.section("wording", root / "params.yaml")
    except UserError:
        section = {}
    return Sources(settings_of(section), Records(root / recorded.WORDINGS))


def settings_of(section: Mapping[str, Any]) -> Settings | None:
    """What the section `wording` of params.yaml says of a model; None where rewriting is off."""
    if section.get("endpoint") is None:
        return None
    return Settings(str(section["model"]), int(section["rounds"]), dict(section["sampling"]))


def key(specs: Catalogue, task: str) -> list[str]:
    """Digest of the settings and of the responses that decide on a task's words; none where nothing is recorded or they are by hand."""
    found = sources(specs.root)
    known = {} if task in specs.wordings else found.of(task)
    return [digests.digest([found.settings, [known[d] for d in sorted(known)]])] if known else []


def reworded(specs: Catalogue, outcome: Row) -> Row:
    """A compiled outcome (rows by part) in the words that its task gets. No network is used.

    `worded` is added where there are other words: {how, refused: [[reason, what, steps, hint]], unasked}; refused ones leave the rest as
    it was. Raises UserError for recorded lines that can't be read.
    """
    task = outcome["task"]["id"]
    entry, found = specs.wordings.get(task), sources(specs.root)
    if entry is not None:
        refused = byhand.refusals(entry, rows.from_row(Wording, outcome["wording"]))
        return _worded(outcome, None if refused else byhand.rewording_of(entry), BY_HAND, entry.ref, refused)
    known = found.of(task)
    if found.settings is None or not known:
        return outcome
    result = replay(exchange(specs, rows.from_row(Wording, outcome["wording"]), found.settings), known)
    if result is None:
        return {**outcome, "worded": {"how": REWRITTEN, "refused": [], "unasked": True}}
    return _worded(outcome, result.rewording, REWRITTEN, _ref(task, known), result.refusals)


def replay(talk: Exchange, known: Mapping[str, Response]) -> Outcome | None:
    """What an exchange comes to by the responses that are known; None where one is missing."""
    try:
        request = next(talk)
        while request.digest in known:
            request = talk.send(known[request.digest].reply)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    return None


def _ref(task: str, known: Mapping[str, Response]) -> SpecRef:
    """How provenance names recorded responses: the file, the task, the digest of all its lines."""
    lines = [dataclasses.asdict(known[d]) for d in sorted(known)]
    return SpecRef(recorded.path_of(task).as_posix(), task, digests.digest(lines))


def _worded(outcome: Row, rewording: Rewording | None, how: str, ref: SpecRef, refused: Iterable[Refusal]) -> Row:
    """The outcome in other words, where there are some: the task's digest follows, and provenance says where the words came from."""
    told = [[r.reason, r.what, list(r.steps), r.hint] for r in refused]
    outcome = {**outcome, "worded": {"how": how, "refused": told, "unasked": False}}
    if rewording is None:
        return outcome
    task = rows.from_row(Task, outcome["task"])
    provenance = rows.from_row(Provenance, outcome["provenance"])
    return outcome | {
        "task": rows.to_row(records.sealed(dataclasses.replace(task, instruction=rewording.instruction))),
        "provenance": rows.to_row(dataclasses.replace(provenance, specs=(*provenance.specs, ref), wording=how)),
    }


@dataclass
class Tally:
    """Who worded the tasks. `refused` counts rewordings of a model by their first reason, `unasked` tasks without recorded answers."""

    by_hand: int = 0
    rewritten: int = 0
    compiled: int = 0
    unasked: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)  # tasks with an entry by hand
    misfits: dict[str, list[Refusal]] = field(default_factory=dict)  # of entries by hand, by task

    def over(self, specs: Catalogue, outcomes: Iterable[tuple[T, Row]]) -> Iterator[tuple[T, Row]]:
        """The same outcomes, counted as they pass."""
        on = sources(specs.root).settings is not None
        for plan, outcome in outcomes:
            if "rejected" not in outcome:
                self._count(specs, outcome, on)
            yield plan, outcome

    def _count(self, specs: Catalogue, outcome: Row, on: bool) -> None:
        task, worded = outcome["id"], outcome.get("worded")
        refused = [Refusal(reason, what, tuple(steps), hint) for reason, what, steps, hint in worded["refused"]] if worded else []
        if task in specs.wordings:
            self.seen.add(task)
            self.by_hand += not refused
            if refused:
                self.misfits[task] = refused
        elif worded is None or worded["unasked"]:
            self.unasked += on
        elif refused:
            self.refused[refused[0].reason] += 1
        else:
            self.rewritten += 1
            return
        self.compiled += task not in specs.wordings

    def figures(self) -> dict[str, Any]:
        """metrics/wording.json."""
        return {
            "by_hand": self.by_hand,
            "rewritten": self.rewritten,
            "left_as_compiled": self.compiled,
            "refused": dict(sorted(self.refused.items())),
            "unasked": self.unasked,
        }

    def problems(self, specs: Catalogue) -> list[Problem]:
        """Entries by hand that do not fit their task, located."""
        return [p for task, refused in self.misfits.items() for p in byhand.problems(specs.wordings[task], refused, specs.root)]

    def idle(self, specs: Catalogue) -> list[Problem]:
        """Entries by hand whose task is not compiled, be it gone or only not planned at this scale."""
        left: list[Spec] = [entry for task, entry in specs.wordings.items() if task not in self.seen]
        told = Refusal(
            "idle", "no task of this id is compiled", ("task",), "the entry does nothing; take it out if its task is gone for good"
        )
        return [p for entry in left for p in byhand.problems(entry, [told], specs.root)]
