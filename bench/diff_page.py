"""The page about an edit: counts, tables and a few instructions, as Markdown fit for a comment."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from bench.edits import KINDS, Edit
from bench.markdown import code, details, fenced, html_code, page, table
from bench.sides import Sketch, planned
from specs.records import Scorecard
from verifiers.grade import SOLVED

TITLE = "## What this change does to the dataset"
SHOWN = 2  # instructions in full
REASONS = 12
SHIFTS = 15  # rows of one distribution


@dataclass(frozen=True)
class Audited:
    """Scorecards of tasks before and after the edit; None where nothing was audited."""

    before: Sequence[Scorecard]
    after: Sequence[Scorecard]


def render(edit: Edit, audited: Audited | None, notes: Sequence[str], failing: Sequence[str], instruction: Callable[[Sketch], str]) -> str:
    """The whole page. `notes` are Markdown, `failing` why the build would fail; `instruction` gives a task's text."""
    head = [TITLE, summary(edit), *_notes(edit, notes, failing)]
    if not edit.before and not edit.after:
        return page([*head, _quiet(edit)])
    return page(
        [
            *head,
            categories(edit),
            specs(edit),
            parts(edit),
            rejections(edit),
            "Nothing was audited." if audited is None else scorecards(audited),
            shifts(edit),
            *instructions(edit, instruction),
        ]
    )


def summary(edit: Edit) -> str:
    """One line."""
    counts = Counter(edit.kinds.values())
    said = ", ".join(f"{counts[kind]:,} {kind}" for kind in KINDS)
    same = f"; {len(edit.same):,} more use what was edited and stay as they were, to the byte" if edit.same else ""
    before, after = len(edit.base.plans), len(edit.head.plans)
    of = f"{after:,} planned" if before == after else f"{after:,} planned ({before:,} before)"
    return f"**Tasks: {said}**, of {of}{same}."


def _quiet(edit: Edit) -> str:
    edited = edit.entries
    if not edited:
        return "No entry was edited. Nothing was compiled."
    listed = table(["edited, but no task uses it", ""], ([_entry(*entry), how] for entry, how in edited.items()))
    return f"No task depends on what was edited. Nothing was compiled.\n\n{listed}"


def _notes(edit: Edit, notes: Sequence[str], failing: Sequence[str]) -> Iterator[str]:
    lines = [f"**This would fail the build**: {code(why)}" for why in failing] + list(notes)
    old, new = edit.base.params, edit.head.params
    lines += [f"`compile.{n}` goes from {code(str(old[n]))} to {code(str(new[n]))}." for n in old if old[n] != new[n]]
    if lines:
        yield "\n".join(f"> {line}<br>" for line in lines)


def categories(edit: Edit) -> str:
    """Tasks added, changed and removed by category; one that changes its category counts where it is now."""
    found: dict[str, Counter[str]] = {}
    for identity, kind in edit.kinds.items():
        sketch = (edit.before if kind == "removed" else edit.after)[identity]
        found.setdefault(sketch.category, Counter())[kind] += 1
    if not found:
        return ""
    return _counted("category", ((code(name), counts) for name, counts in sorted(found.items())))


def specs(edit: Edit) -> str:
    """Edited entries and the tasks that use them. A task that changed and uses none of them is told, for there should be none."""
    edited = edit.entries
    counts = {entry: Counter[str]() for entry in edited}
    stray = Counter[str]()
    for identity, kind in [*edit.kinds.items(), *((i, "same") for i in sorted(edit.same))]:
        used = edit.used(identity) & set(edited)
        for entry in used:
            counts[entry][kind] += 1
        stray[kind] += not used
    found = sorted(counts.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    rows = [(f"{_entry(*entry)} {edited[entry]}", c) for entry, c in found]
    if stray.total() and edit.base.params == edit.head.params:
        rows.append(("none of these", stray))
    return _counted("edited entry", rows, ("same",)) if rows else ""


def _entry(path: str, name: str) -> str:
    return code(path if PurePosixPath(path).stem == name else f"{path} {name}")


def _counted(title: str, rows: Iterable[tuple[str, Counter[str]]], more: Sequence[str] = ()) -> str:
    kinds = [*KINDS, *more]
    return table([title, *kinds], ([name, *(f"{counts[k]:,}" for k in kinds)] for name, counts in rows))


def parts(edit: Edit) -> str:
    """What of the changed tasks is another."""
    changed = [i for i, kind in edit.kinds.items() if kind == "changed"]
    found = Counter(p for i in changed for p, digest in edit.after[i].parts.items() if edit.before[i].parts[p] != digest)
    said = ", ".join(f"{part} {count:,}" for part, count in sorted(found.items(), key=lambda item: (-item[1], item[0])))
    return f"Of the changed tasks, what is another: {said}." if said else ""


def rejections(edit: Edit) -> str:
    """How many of the tasks touched the compiler rejects, before and after, by reason."""
    old, new = (Counter(s.rejected for s in side.values() if s.rejected) for side in (edit.before, edit.after))
    line = f"**Rejected by the compiler** (of the tasks touched): {old.total():,} before, {new.total():,} after."
    reasons = sorted({*old, *new}, key=lambda r: (-new[r], -old[r], r))
    if not reasons:
        return line
    listed = table(["reason", "before", "after"], ([code(r, 200), f"{old[r]:,}", f"{new[r]:,}"] for r in reasons), REASONS)
    return f"{line}\n\n{listed}"


def scorecards(audited: Audited) -> str:
    """The verifiers of removed and changed tasks before, of changed and added ones after; and those that are rejected now."""
    sides = [_figures(audited.before), _figures(audited.after)]
    listed = table(["scorecards", "before", "after"], ([name, *(f"{s[name]:,}" for s in sides)] for name in sides[0]))
    bad = [[code(c.id), code(", ".join(c.operations)), code(c.rejected, 200)] for c in audited.after if c.rejected]
    return "\n\n".join([listed, *([table(["rejected now", "operations", "why"], bad, REASONS)] if bad else [])])


def _figures(cards: Sequence[Scorecard]) -> dict[str, int]:
    return {
        "tasks audited": len(cards),
        "rejected": sum(bool(c.rejected) for c in cards),
        "solutions that fail": sum(c.solution < SOLVED for c in cards),
        "untouched workspaces that score": sum(c.untouched > 0 for c in cards),
        "mutants tried": sum(len(c.mutants) for c in cards),
        "mutants that pass": sum(m.score >= SOLVED for c in cards for m in c.mutants),
        "equivalents tried": sum(len(c.equivalents) for c in cards),
        "equivalents that fail": sum(e.score < SOLVED for c in cards for e in c.equivalents),
    }


def shifts(edit: Edit) -> str:
    """Distributions that moved: of all planned tasks by category and operation, of the tasks touched by what compiling shows."""
    old, new = planned(edit.base), planned(edit.head)
    totals = (len(edit.base.plans), len(edit.head.plans))
    rows = [row for name in old for row in _moved(name, old[name], new[name], totals)]
    before, after = ([s for s in side.values() if not s.rejected] for side in (edit.before, edit.after))
    rows += _moved("difficulty", Counter(str(s.difficulty) for s in before), Counter(str(s.difficulty) for s in after))
    rows += _moved("input format", Counter(f for s in before for f in s.formats), Counter(f for s in after for f in s.formats))
    middle = [_median([s.words for s in side]) for side in (before, after)]
    if middle[0] != middle[1]:
        rows.append(["words, median", *(f"{m:,}" for m in middle)])
    if not rows:
        return ""
    note = "Categories and operations are counted over all tasks planned, all else over the tasks touched."
    return table(["what moved", "before", "after"], rows, 60) + f"\n\n{note}"


def _moved(what: str, before: Counter[str], after: Counter[str], totals: tuple[int, ...] = ()) -> list[list[str]]:
    """Rows for what became more or less, the largest shifts first; with `totals` the shares of them too."""
    names = sorted((n for n in {*before, *after} if before[n] != after[n]), key=lambda n: (-abs(after[n] - before[n]), n))
    shares = [[f" ({c[n] / max(1, of):.1%})" for c, of in zip((before, after), totals, strict=False)] or ["", ""] for n in names]
    rows = [[f"{what} {code(n)}", f"{before[n]:,}{s[0]}", f"{after[n]:,}{s[1]}"] for n, s in zip(names[:SHIFTS], shares, strict=False)]
    return [*rows, [f"{what}: {len(names) - SHIFTS:,} more", "", ""]] if len(names) > SHIFTS else rows


def _median(values: Sequence[int]) -> int:
    return sorted(values)[len(values) // 2] if values else 0


def instructions(edit: Edit, text: Callable[[Sketch], str]) -> Iterator[str]:
    """Two new or changed instructions in full, of two stories where there are two; and one changed one as a diff."""
    kinds = edit.kinds
    worded = [i for i, kind in kinds.items() if kind == "changed" and _part(edit.before[i]) != _part(edit.after[i])]
    new = [i for i, kind in kinds.items() if kind == "added"] + worded
    for identity in _unlike(edit, new):
        sketch = edit.after[identity]
        title = f"{kinds[identity]}: task {html_code(identity)} ({html_code(', '.join(sketch.operations))})"
        yield details(title, fenced(text(sketch)))
    if worded:
        first = min(worded, key=lambda i: (edit.base.plans[i] != edit.head.plans[i], i))  # the same plan in other words says most
        old, now = (text(side[first]).splitlines() for side in (edit.before, edit.after))
        lines = difflib.unified_diff(old, now, "before", "after", lineterm="")
        yield details(f"changed: task {html_code(first)}, before and after", fenced("\n".join(lines), "diff"))


def _part(sketch: Sketch) -> Any:
    return sketch.parts["instruction"]


def _unlike(edit: Edit, identities: Sequence[str]) -> list[str]:
    """The first of the ids, and the next one of another scenario (or just the next)."""
    others = [i for i in identities[1:] if edit.head.plans[i].scenario != edit.head.plans[identities[0]].scenario]
    return [*identities[:1], *(others or list(identities[1:]))][:SHOWN]
