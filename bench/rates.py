"""The scorecards' rates for the report page: how often wrong answers are caught and right ones refused, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEADINGS = {
    "kill_by_check": "Wrong answers caught, by kind of check",
    "kill_by_mutant": "Wrong answers caught, by kind of mutant",
    "false_alarm_by_check": "Right answers refused, by kind of check",
    "false_alarm_by_equivalent": "Right answers refused, by kind of equivalent",
    "demand_mutants": "Score left to the artifact of an ignored demand",
}
TOGETHER = "all"  # the row that stands first


def readable(figures: Mapping[str, Any]) -> dict[str, Any]:
    """metrics/scorecard.json with its rates as {tried, rate, 95 % interval} in words, what is least sure first, under headings."""
    return {HEADINGS.get(key, key): _rows(key, value) if _are_rates(value) else value for key, value in figures.items()}


def _are_rates(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(v, Mapping) and {"rate", "low", "high"} <= v.keys() for v in value.values())
    )


def _rows(key: str, rates: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """Rows by how far the wrong end of the interval is from what is due: 1 for what is caught, 0 for what is refused."""
    far = {k: 1 - v["low"] if key.startswith("kill") else v["high"] for k, v in rates.items()}
    ordered = sorted(rates, key=lambda k: (k != TOGETHER, -far[k], k))
    return {
        k: {
            "tried": rates[k]["tried"],
            "rate": _percent(rates[k]["rate"]),
            "95 % interval": f"{_percent(rates[k]['low'])} to {_percent(rates[k]['high'])}",
        }
        for k in ordered
    }


def _percent(share: float) -> str:
    """A share in percent; what is nearly all is never called all, what is nearly nothing never nothing."""
    if share in (0, 1):
        return f"{share * 100:.0f} %"
    for places in (1, 2, 3):
        text = f"{share * 100:.{places}f}"
        if float(text) not in (0, 100):
            break
    return f"{text} %"
