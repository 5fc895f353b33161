"""What an edit of the specs comes to: tasks added, changed, removed, rejected, and which edited entry each of them uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.sides import Side, Sketch, sketches
from generators import outcomes
from generators.outcomes import Outcome
from specs.records import Candidates, Scorecard, Solution, Task, Verifier
from specs.store import Store
from verifiers import scorecard
from verifiers.cases import Case

KINDS = ("added", "changed", "removed")


@dataclass(frozen=True)
class Edit:
    """Two sides compared. `before` and `after` sketch the tasks whose key differs, `same` of them came out equal to the byte."""

    base: Side
    head: Side
    before: dict[str, Sketch]
    after: dict[str, Sketch]

    @property
    def kinds(self) -> dict[str, str]:
        """By id: added | changed | removed. A task that the compiler rejects is not there."""
        found: dict[str, str] = {}
        for identity in sorted({*self.before, *self.after}):
            old, new = _made(self.before, identity), _made(self.after, identity)
            if old and new:
                found |= {identity: "changed"} if old.parts != new.parts else {}
            elif old or new:
                found[identity] = "added" if new else "removed"
        return found

    @property
    def same(self) -> set[str]:
        """Ids of tasks that were compiled anew and came out equal to the byte."""
        both = {*self.before} & {*self.after}
        return {i for i in both if _made(self.before, i) and _made(self.after, i)} - set(self.kinds)

    @property
    def entries(self) -> dict[tuple[str, str], str]:
        """Edited entries by (path, name): new | edited | gone."""
        old, new = self.base.entries, self.head.entries
        found = {e: "new" for e in new if e not in old} | {e: "gone" for e in old if e not in new}
        return dict(sorted((found | {e: "edited" for e in new if e in old and old[e] != new[e]}).items()))

    def used(self, identity: str) -> set[tuple[str, str]]:
        """The entries that the task uses on either side."""
        return {e for s in (self.base, self.head) if identity in s.plans for e in s.used(identity)}


def _made(side: dict[str, Sketch], identity: str) -> Sketch | None:
    sketch = side.get(identity)
    return sketch if sketch and not sketch.rejected else None


def compare(base: Side, head: Side, workers: int) -> Edit:
    """Compile what differs on either side: tasks whose key is the same on both are the same tasks."""
    touched = {i for i in {*base.keys, *head.keys} if base.keys.get(i) != head.keys.get(i)}
    before = sketches(base, touched & set(base.keys), workers)
    return Edit(base, head, before, sketches(head, touched & set(head.keys), workers))


def instruction(store: Store, sketch: Sketch) -> str:
    """The instruction of a compiled task."""
    return str(outcomes.row(store.get("compile", sketch.key) or {}, "task")["instruction"])


def case_of(store: Store, sketch: Sketch) -> Case:
    """A compiled task with all that its audit needs."""
    kept: Outcome = store.get("compile", sketch.key) or {}
    return Case(
        outcomes.record(kept, Task),
        outcomes.record(kept, Verifier),
        outcomes.record(kept, Solution),
        outcomes.record(kept, Candidates).candidates,
    )


def excess(edit: Edit, audited: Iterable[Scorecard]) -> list[str]:
    """Why the edit's own rejections are too many for the build, measured against all that is planned; empty where they are not."""
    refused = {i: s.operations for i, s in edit.after.items() if s.rejected} | {c.id: c.operations for c in audited if c.rejected}
    planned = len(edit.head.plans)
    found = []
    if len(refused) > planned * scorecard.MOST_REJECTED:
        found.append(f"{len(refused)} of {planned} tasks are rejected, more than {scorecard.MOST_REJECTED:.0%}")
    for operation in sorted({o for operations in refused.values() for o in operations}):
        tasks = [i for i, p in edit.head.plans.items() if operation in p.operations]
        bad = sum(i in refused for i in tasks)
        if len(tasks) >= scorecard.ENOUGH_TASKS and bad > len(tasks) * scorecard.MOST_REJECTED_OF_OPERATION:
            found.append(f"{bad} of {len(tasks)} tasks of {operation} are rejected, more than {scorecard.MOST_REJECTED_OF_OPERATION:.0%}")
    return found
