"""Drawing single values: by a column's entry, out of pools that are divided between the splits."""

from __future__ import annotations

import functools
import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from generators.relations import NUMBERS, Column, Value
from specs import digests

OPEN_ROLES = ("party", "title", "place", "text")  # pools whose values belong to one split each
BENCH_SHARE = 0.35  # of an open pool's values; personas and scenarios are divided by params.yaml
SMALLEST_POOL = 4
SKEW = 2.5  # of figures with `shape: low`: half of them lie in the lowest sixth


def column_of(name: str, spec: dict[str, Any]) -> Column:
    return Column(name, spec["role"], int(spec.get("decimals", 0)), spec.get("unit", ""), spec.get("better", ""), spec.get("joins", ""))


def keys(pattern: str, count: int, split: str, rng: random.Random) -> list[str]:
    """Ascending with gaps; a key belongs to one split by its hash."""
    width = int(pattern[pattern.index("{") + 1 : pattern.index("}")].lstrip(":0") or 1)
    number = rng.randrange(1, max(2, 10**width - count * 8 - 1))
    keys: list[str] = []
    while len(keys) < count:
        number = number + rng.choice((1, 1, 1, 2, 3)) if number < 10**width - 2 else 1
        key = pattern.format(number)
        if belongs(key, split) and key not in keys:
            keys.append(key)
        elif number == 1 and len(keys) < count and 10**width < count * 4:
            raise ValueError(f"the pattern {pattern} has too few numbers for {count} keys")
    return keys


def fresh_key(key: str, taken: set[Value], split: str, rng: random.Random) -> str:
    """A key like `key` that is nobody's yet and belongs to the split. Raises ValueError where there is none to be found."""
    digits = [i for i, ch in enumerate(key) if ch.isdigit()]
    width = len(digits)
    for _ in range(400):
        number = f"{rng.randrange(1, 10**width):0{width}d}"
        candidate = key[: digits[0]] + number + key[digits[-1] + 1 :]
        if candidate not in taken and belongs(candidate, split):
            return candidate
    raise ValueError(f"no free key like {key}")


@functools.lru_cache(maxsize=1 << 16)
def belongs(value: str, split: str) -> bool:
    """Whether a value of an open pool belongs to the split, by its hash."""
    share = int(digests.of_bytes(value.encode())[:8], 16) / 0xFFFFFFFF
    return (share < BENCH_SHARE) == (split == "bench")


def pool(values: list[Any], column: Column, split: str) -> list[Any]:
    """The values of an open pool that belong to the split; all values of a closed one, or of one too small to divide."""
    return list(_divided(tuple(values), split)) if column.role in OPEN_ROLES and len(values) >= 2 * SMALLEST_POOL else values


@functools.cache
def _divided(values: tuple[Any, ...], split: str) -> tuple[Any, ...]:
    order = sorted(values, key=lambda v: digests.of_bytes(str(v).encode())[:8])
    bench = sum(belongs(str(v), "bench") for v in values)
    bench = min(max(bench, SMALLEST_POOL), len(values) - SMALLEST_POOL)
    chosen = set(order[:bench] if split == "bench" else order[bench:])
    return tuple(v for v in values if v in chosen)


def one(how: dict[str, Any], column: Column, split: str, rng: random.Random) -> Any:
    if "pick" in how:
        return rng.choice(pool(how["pick"], column, split))
    if "dates" in how:
        first, days = _days(*map(str, how["dates"]))
        return first + timedelta(days=rng.randint(0, days))
    if "times" in how:
        return _moment(how, rng)
    return plain(how, rng)


@functools.cache
def _days(first: str, last: str) -> tuple[date, int]:
    """A day, and how many more there are until another."""
    day = date.fromisoformat(first)
    return day, (date.fromisoformat(last) - day).days


def _moment(how: dict[str, Any], rng: random.Random) -> datetime:
    first, days = _days(*(str(d)[:10] for d in how["times"]))
    low, high = how.get("hours", (0, 23))
    step = how.get("minutes", 1)
    day = first + timedelta(days=rng.randint(0, days))
    return datetime(day.year, day.month, day.day, rng.randint(low, high), rng.randrange(0, 60, step))


def plain(how: dict[str, Any], rng: random.Random) -> Any:
    """A value as JSON knows it, by `pick`, `weigh`, `number` or `integer`."""
    if "pick" in how:
        return rng.choice(how["pick"])
    if "weigh" in how:
        return rng.choices(list(how["weigh"]), weights=list(how["weigh"].values()))[0]
    if "integer" in how:
        low, high = how["integer"]
        if how.get("shape") == "low":
            return low + int((high + 1 - low) * rng.random() ** SKEW) // how.get("step", 1) * how.get("step", 1)
        return rng.randrange(low, high + 1, how.get("step", 1))
    low, step, steps = _steps(*map(str, how["number"]), str(how.get("step", 1)))
    value = low + step * (int((steps + 1) * rng.random() ** SKEW) if how.get("shape") == "low" else rng.randint(0, steps))
    return int(value) if value == value.to_integral_value() and step == step.to_integral_value() else float(value)


@functools.cache
def _steps(low: str, high: str, step: str) -> tuple[Decimal, Decimal, int]:
    """Where a range of numbers begins, its step, and how many of these it has."""
    first, size = Decimal(low), Decimal(step)
    return first, size, int((Decimal(high) - first) / size)


@functools.cache
def _unit(decimals: int) -> Decimal:
    return Decimal(1).scaleb(-decimals)


def series(how: dict[str, Any], column: Column, count: int, split: str, rng: random.Random) -> list[Value]:
    """So many values, typed."""
    if "pick" in how:
        options = [typed(v, column) for v in pool(how["pick"], column, split)]
        return [rng.choice(options) for _ in range(count)]
    return [typed(one(how, column, split, rng), column) for _ in range(count)]


def typed(value: Any, column: Column) -> Value:
    """A drawn value as the column's type."""
    if value is None:
        return None
    if column.role in NUMBERS:
        return Decimal(str(value)).quantize(_unit(column.decimals))
    if column.role in ("span", "seq"):
        return int(value)
    if column.role in ("when", "at"):
        return value  # type: ignore[no-any-return]
    return str(value)
