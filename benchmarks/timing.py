"""Medians of interleaved runs, so that a machine's moods hit the measured thing and its reference alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """The work as a function that says how many seconds it took."""

    def clocked() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return clocked


def turns(works: Mapping[str, Callable[[], float]], rounds: int, rest_s: float = 0.0) -> dict[str, float]:
    """The median seconds of each work, all done once a round. A rest between two lets what one leaves going come to its end."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(work())
            time.sleep(rest_s)
    return {name: statistics.median(found) for name, found in times.items()}


def compare(measured: Callable[[], object], reference: Callable[[], object], rounds: int) -> tuple[float, float, float]:
    """(median seconds measured, median seconds of the reference, their ratio)."""
    mine, other = turns({"measured": timed(measured), "reference": timed(reference)}, rounds).values()
    return mine, other, mine / other


def show(name: str, figures: tuple[float, float, float], reference: str) -> None:
    """One line a measurement."""
    print(f"{name}: {figures[0] * 1000:.1f} ms, {figures[2]:.2f} times {reference} ({figures[1] * 1000:.1f} ms)")
