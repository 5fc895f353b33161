"""Scorecards added up: how far the dataset's verifiers can be believed, in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from specs.records import Scorecard
from verifiers.grade import SOLVED

MOST_REJECTED = 0.02
MOST_REJECTED_OF_OPERATION = 0.05
ENOUGH_TASKS = 20  # of an operation; below, one rejection would be more than the share allows


def summary(cards: Sequence[Scorecard]) -> dict[str, Any]:
    """metrics/scorecard.json: counts, shares, false passes by kind of mutant, false alarms by kind of equivalent."""
    mutants = [(m.kind, m.score >= SOLVED) for card in cards for m in card.mutants]
    equivalents = [(e.kind, e.score < SOLVED) for card in cards for e in card.equivalents]
    return {
        "tasks": len(cards),
        "rejected": sum(bool(c.rejected) for c in cards),
        "rejected_share": _share(bool(c.rejected) for c in cards),
        "solutions_right": _share(c.solution >= SOLVED for c in cards),
        "untouched_zero": _share(c.untouched == 0 for c in cards),
        "all_mutants_caught": _share(all(m.score < SOLVED for m in c.mutants) for c in cards),
        "mutants": len(mutants),
        "mutants_mean_score": _mean([m.score for card in cards for m in card.mutants]),
        "false_pass": _rates(mutants),
        "equivalents": len(equivalents),
        "false_alarm": _rates(equivalents),
    }


def excess(cards: Sequence[Scorecard], compiled: dict[str, Any]) -> list[str]:
    """Why too many tasks are rejected, in words; empty where they are few enough. Counts those that the compiler rejected too.

    `compiled` is metrics/compile.json with `planned`, `rejected` {reason: n}, `rejected_operations` {operation: n}, or empty.
    """
    earlier = sum(compiled.get("rejected", {}).values())
    now = sum(bool(c.rejected) for c in cards)
    planned = max(compiled.get("planned", 0), len(cards) + earlier)
    found = []
    if planned and (earlier + now) / planned > MOST_REJECTED:
        counts = f"{earlier + now} of {planned} tasks are rejected ({earlier} by the compiler, {now} by the audit)"
        found.append(f"{counts}, more than {MOST_REJECTED:.0%}")
    rejected = Counter(compiled.get("rejected_operations", {}))
    tasks = Counter(rejected)
    for card in cards:
        tasks.update(set(card.operations))
        rejected.update(set(card.operations) if card.rejected else ())
    for operation, count in sorted(tasks.items()):
        if count >= ENOUGH_TASKS and rejected[operation] / count > MOST_REJECTED_OF_OPERATION:
            found.append(f"{rejected[operation]} of {count} tasks of {operation} are rejected, more than {MOST_REJECTED_OF_OPERATION:.0%}")
    return found


def _rates(outcomes: Iterable[tuple[str, bool]]) -> dict[str, dict[str, float]]:
    """By kind: how many were tried, and the share that went wrong."""
    tried: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for kind, bad in outcomes:
        tried[kind] += 1
        wrong[kind] += bad
    return {kind: {"tried": tried[kind], "rate": round(wrong[kind] / tried[kind], 6)} for kind in sorted(tried)}


def _share(flags: Iterable[bool]) -> float:
    return _mean([float(f) for f in flags])


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 6) if values else 0.0
