"""The compiled tasks as the dataset stage sees them: what they are filed under, their words and the names of their files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from specs import digests, layout, shards
from specs.errors import Problem, UserError

FILED = ("id", "digest", "route", "split", "category", "subcategory", "operations", "skills", "persona", "scenario", "domain")
TOLD = ("difficulty", "chained", "instruction", "outputs", "workspace.list.element.path", "workspace.list.element.digest")
SERVED = "services.list.element.kind"


@dataclass(frozen=True)
class Entry:
    """A task without its files' contents; `inputs` are its files but the skills' (path, digest), `checks` and `criteria` (of
    its rubric) how many its verifier has.
    """

    id: str
    digest: str
    route: str
    split: str
    category: str
    subcategory: str
    operations: tuple[str, ...]
    skills: tuple[str, ...]
    persona: str
    scenario: str
    domain: str
    difficulty: int
    chained: bool
    instruction: str
    outputs: tuple[str, ...]
    inputs: tuple[tuple[str, str], ...]
    checks: int
    services: tuple[str, ...] = ()  # kinds of what is served to it
    criteria: int = 0


@dataclass(frozen=True)
class Entries:
    """Tasks that nothing speaks against; how many have a scorecard of their own; how many more it rejects."""

    tasks: tuple[Entry, ...]
    audited: int
    rejected: int


def read(full: bool) -> Entries:
    """The compiled tasks, in order of split and id. Raises UserError where the compile stage has not run.

    A scorecard counts where it is about the very task (by digest): one of an earlier build says nothing.
    """
    root = layout.build(layout.SCORECARDS, full)
    cards = (
        {(r["id"], r["task_digest"]): r["rejected"] for r in shards.columns(root, ("id", "task_digest", "rejected"))}
        if root.is_dir()
        else {}
    )
    found = list(_all(full))
    reasons = [cards.get((e.id, e.digest)) for e in found]
    good = tuple(e for e, reason in zip(found, reasons, strict=True) if not reason)
    return Entries(good, sum(r is not None for r in reasons), len(found) - len(good))


def none_left(full: bool) -> UserError:
    """The error for a build without a single task that the audit left in."""
    return UserError([Problem(str(layout.build(layout.TASKS, full)), 1, 1, "", "no tasks here", "see metrics/compile.json and the audit")])


def _all(full: bool) -> Iterator[Entry]:
    verifiers = shards.columns(layout.build(layout.VERIFIERS, full), ("id", "checks.list.element.id", "rubric.list.element.id"))
    sizes = {row["id"]: (len(row["checks"]), len(row["rubric"])) for row in verifiers}
    for row in shards.columns(layout.build(layout.TASKS, full), (*FILED, *TOLD, SERVED)):
        inputs = tuple((f["path"], f["digest"]) for f in row.pop("workspace") if not f["path"].startswith(".skills/"))
        row["services"] = tuple(s["kind"] for s in row["services"])
        row |= {name: tuple(row[name]) for name in ("operations", "skills", "outputs")}
        checks, criteria = sizes[row["id"]]
        yield Entry(**row, inputs=inputs, checks=checks, criteria=criteria)


def sample(tasks: Sequence[Entry], size: int) -> tuple[Entry, ...]:
    """At most `size` tasks by the hash of their ids, so that one more task pushes out one at most."""
    return tuple(sorted(tasks, key=lambda e: digests.digest(["sample", e.id]))[:size])
