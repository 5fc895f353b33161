"""Medians of interleaved runs, so that a machine's moods hit the measured thing and its reference alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def compare(measured: Callable[[], object], reference: Callable[[], object], rounds: int) -> tuple[float, float, float]:
    """(median seconds measured, median seconds of the reference, their ratio)."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for work, kept in zip((measured, reference), times, strict=True):
            start = time.perf_counter()
            work()
            kept.append(time.perf_counter() - start)
    mine, other = statistics.median(times[0]), statistics.median(times[1])
    return mine, other, mine / other


def show(name: str, figures: tuple[float, float, float], reference: str) -> None:
    """One line a measurement."""
    print(f"{name}: {figures[0] * 1000:.1f} ms, {figures[2]:.2f} times {reference} ({figures[1] * 1000:.1f} ms)")
