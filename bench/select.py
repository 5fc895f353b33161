"""Stage select: which tasks make the training set and which the bench, so that a task more or less moves few others.

Tasks are ranked by the digest of their id inside each stratum (category and difficulty), and strata take turns.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.reading import Selection
from specs import digests, errors, layout, located, params, shards
from specs.errors import Problem, UserError

LEVELS = range(1, 6)
TAXONOMY = Path("specs/taxonomy.yaml")


@dataclass(frozen=True)
class Entry:
    """What choosing looks at of a task."""

    id: str
    split: str
    category: str
    difficulty: int
    persona: str
    scenario: str


def interleave(lists: Iterable[Sequence[str]]) -> list[str]:
    """The lists' items in turns: all the first ones, all the second ones, and so on."""
    rounds = itertools.zip_longest(*lists)
    return [item for turn in rounds for item in turn if item is not None]


def choose(entries: Iterable[Entry], count: int) -> tuple[str, ...]:
    """At most `count` ids, sorted: categories take turns, and within a category the difficulties do."""
    strata: dict[str, dict[int, list[str]]] = {}
    for entry in entries:
        strata.setdefault(entry.category, {}).setdefault(entry.difficulty, []).append(entry.id)
    queues = [_queue(category, strata[category]) for category in sorted(strata)]
    return tuple(sorted(interleave(queues)[:count]))


def _queue(category: str, levels: dict[int, list[str]]) -> list[str]:
    """A category's ids in the order they are taken.

    Categories begin at different difficulties, so that one or two of each still cover the range.
    """
    first = int(digests.digest(["select", category]), 16) % len(LEVELS)
    order = [*LEVELS[first:], *LEVELS[:first], *sorted(set(levels) - set(LEVELS))]
    return interleave([sorted(levels.get(level, []), key=lambda i: digests.digest(["select", i])) for level in order])


def refuse_shared(entries: Iterable[Entry]) -> None:
    """Raise UserError, one Problem for each persona or scenario that has tasks in more than one split."""
    seen: dict[tuple[str, str], dict[str, str]] = {}
    for entry in entries:
        for kind, name in (("persona", entry.persona), ("scenario", entry.scenario)):
            if name:
                seen.setdefault((kind, name), {}).setdefault(entry.split, entry.id)
    problems = []
    for (kind, name), splits in seen.items():
        if len(splits) > 1:
            where = ", ".join(f"task {identity} in {split}" for split, identity in sorted(splits.items()))
            problems.append(Problem(layout.TASKS.as_posix(), 1, 1, f"{kind} '{name}'", f"is in both splits: {where}"))
    if problems:
        raise UserError(problems)


def select(entries: Sequence[Entry], train: int, bench: int, models: int) -> Selection:
    """The selection among accepted tasks. Raises UserError where the splits share a persona or a scenario."""
    refuse_shared(entries)
    chosen = choose((e for e in entries if e.split == "bench"), bench)
    return Selection(
        train=choose((e for e in entries if e.split == "train"), train),
        bench=chosen,
        models=choose((e for e in entries if e.id in set(chosen)), models),
    )


def accepted() -> tuple[list[Entry], Counter[str]]:
    """Tasks whose scorecard is of this very task and not rejected; and how many were left out, by why."""
    cards = {c["id"]: c for c in shards.columns(layout.SCORECARDS, ("id", "rejected", "task_digest"))}
    entries: list[Entry] = []
    left_out: Counter[str] = Counter()
    for row in shards.columns(layout.TASKS, ("id", "digest", "split", "category", "difficulty", "persona", "scenario")):
        digest = row.pop("digest")
        card = cards.get(row["id"])
        if card is None or card["task_digest"] != digest:
            left_out["not audited as they are now"] += 1
        elif card["rejected"]:
            left_out["rejected by their scorecard"] += 1
        else:
            entries.append(Entry(**row))
    return entries, left_out


def describe(chosen: Selection, entries: Sequence[Entry], asked: dict[str, int], categories: Sequence[str]) -> str:
    """How many were chosen, of how many asked, and how they spread over `categories` and difficulties."""
    by_id = {e.id: e for e in entries}
    lines = []
    for name in ("train", "bench", "models"):
        ids = getattr(chosen, name)
        short = "" if len(ids) == asked[name] else f", {asked[name]} asked: there are no more"
        lines.append(f"{name}: {len(ids)}{short}")
        found = Counter(by_id[i].category for i in ids)
        levels = Counter(by_id[i].difficulty for i in ids)
        lines += [f"  {category}: {found[category] or 'none'}" for category in sorted({*categories, *found})]
        lines += ["  difficulty " + ", ".join(f"{level}: {n}" for level, n in sorted(levels.items()))] if ids else []
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    """Choose from data/tasks and data/scorecards; write data/selection.json."""
    section = params.section("select")
    asked = {name: int(section[name]) for name in ("train", "bench", "models")}
    entries, left_out = accepted()
    chosen = select(entries, **asked)
    value = {name: list(getattr(chosen, name)) for name in asked}
    layout.SELECTION.parent.mkdir(parents=True, exist_ok=True)
    layout.SELECTION.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    for why, count in sorted(left_out.items()):
        print(f"left out, {why}: {count}")
    print(describe(chosen, entries, asked, located.load(TAXONOMY).value["bench"]))
    return 0


if __name__ == "__main__":
    errors.run(main)
