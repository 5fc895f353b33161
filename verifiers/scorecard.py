"""Scorecards added up: how far the dataset's verifiers can be believed, in figures."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import NormalDist
from typing import Any

from specs.records import Scorecard
from verifiers.grade import SOLVED
from verifiers.mutants import JUNK, TAMPERED

MOST_REJECTED = 0.02
MOST_REJECTED_OF_OPERATION = 0.05
ALL = "all"  # kinds of check together
ENOUGH_TASKS = 20  # of an operation; below, one rejection would be more than the share allows


def summary(cards: Sequence[Scorecard]) -> dict[str, Any]:
    """metrics/scorecard.json: the audit's bars, over the tasks that are shipped; why others were rejected; rates by kind, over all tasks.

    A rate is {tried, rate, low, high}, the last two its 95 % interval.
    """
    shipped = [c for c in cards if not c.rejected]
    wrong = [m for c in shipped for m in c.mutants]
    alike = [e for c in shipped for e in c.equivalents]
    junk = [max((m.score for m in c.mutants if m.kind in JUNK), default=0.0) for c in shipped]
    demands = [m for m in wrong if m.demand]
    return {
        "tasks": len(cards),
        "shipped": len(shipped),
        "solution_pass_share": _share(c.solution >= SOLVED for c in shipped),
        "untouched_zero_share": _share(c.untouched == 0 for c in shipped),
        "mutants": len(wrong),
        "mutants_passed": sum(m.score >= SOLVED for m in wrong),
        "demand_mutant_mean": _mean([m.artifact for m in demands]),
        "rejected_share": _share(bool(c.rejected) for c in cards),
        "rejected_share_worst_operation": _worst(cards),
        "equivalents": len(alike),
        "equivalents_failed": sum(e.score < SOLVED for e in alike),
        "junk_best_mean": _mean(junk),
        "junk_best_max": round(max(junk, default=0.0), 6),
        "tamper_passed": sum(m.score >= SOLVED for m in wrong if m.kind in TAMPERED),
        "rejected": dict(sorted(Counter(_reason(c.rejected) for c in cards if c.rejected).items())),
        "demand_mutants": _means((m.kind, m.artifact) for m in demands),
        **_rates_of(cards),
    }


def _rates_of(cards: Sequence[Scorecard]) -> dict[str, Any]:
    """How often wrong answers are caught and right ones refused: by kind, and by the kinds of check that look at what differs."""
    wrong = [(m.kind, m.checks, m.score < SOLVED) for c in cards for m in c.mutants]
    alike = [(e.kind, e.checks, e.score < SOLVED) for c in cards for e in c.equivalents]
    return {
        "kill_by_mutant": _rates((kind, killed) for kind, _, killed in wrong),
        "kill_by_check": _rates((check, killed) for _, checks, killed in wrong for check in (ALL, *checks)),
        "false_alarm_by_equivalent": _rates((kind, alarm) for kind, _, alarm in alike),
        "false_alarm_by_check": _rates((check, alarm) for _, checks, alarm in alike for check in (ALL, *checks)),
    }


def _worst(cards: Sequence[Scorecard]) -> float:
    """The largest share of an operation's tasks that is rejected, of operations with enough tasks to tell."""
    tasks = Counter(o for c in cards for o in set(c.operations))
    rejected = Counter(o for c in cards if c.rejected for o in set(c.operations))
    return round(max((rejected[o] / n for o, n in tasks.items() if n >= ENOUGH_TASKS), default=0.0), 6)


def _reason(rejected: str) -> str:
    """The first reason of a rejection, without what is particular to the task."""
    first = re.split("; |: ", rejected, maxsplit=1)[0]
    return re.sub(r"^check \S+$", "a check is ill-formed", re.sub(r" scores \S+$", " scores otherwise", first))


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
    """By kind: how many were tried, the share of which it is true, and its interval."""
    tried: Counter[str] = Counter()
    true: Counter[str] = Counter()
    for kind, is_so in outcomes:
        tried[kind] += 1
        true[kind] += is_so
    return {kind: {"tried": n, "rate": round(true[kind] / n, 6), **_interval(true[kind], n)} for kind, n in sorted(tried.items())}


def _interval(true: int, tried: int) -> dict[str, float]:
    low, high = wilson(true, tried)
    return {"low": round(low, 6), "high": round(high, 6)}


def wilson(true: int, tried: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share (1927): it says something where nothing, or everything, was counted.

    Raises ValueError where nothing was tried.
    """
    if tried <= 0:
        raise ValueError("nothing was tried")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, weight = true / tried, z * z / tried
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / tried + weight / (4 * tried)) / (1 + weight)
    return (0.0 if true == 0 else middle - half), (1.0 if true == tried else middle + half)


def _means(values: Iterable[tuple[str, float]]) -> dict[str, dict[str, float]]:
    found: dict[str, list[float]] = {}
    for kind, value in values:
        found.setdefault(kind, []).append(value)
    return {kind: {"tried": len(found[kind]), "mean": _mean(found[kind])} for kind in sorted(found)}


def _share(flags: Iterable[bool]) -> float:
    return _mean([float(f) for f in flags])


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 6) if values else 0.0
