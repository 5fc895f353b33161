"""Relations made from others: a row for each value of a column (`per`), a copy with differences (`like`), a list of changes (`changes`)."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from generators import sampling
from generators.relations import NUMBERS, Column, Relation, Row, Value

TWICE = 2  # things that a list of changes changes a second time


def per(words: tuple[str, str, str], spec: dict[str, Any], split: str, rng: random.Random, need: Callable[[str], Relation]) -> Relation:
    base_name, _, column_name = spec["per"].partition(".")
    base = need(base_name)
    values = sorted({str(v) for v in base.values(column_name) if v is not None})
    columns = tuple(sampling.column_of(n, c) for n, c in spec["columns"].items())
    rows = []
    for value in values:
        rows.append(
            tuple(
                value if c.name == column_name else sampling.typed(sampling.one(spec["columns"][c.name]["draw"], c, split, rng), c)
                for c in columns
            )
        )
    rng.shuffle(rows)
    return Relation(*words, columns, tuple(rows), root=words[0])


def like(words: tuple[str, str, str], spec: dict[str, Any], split: str, rng: random.Random, base: Relation) -> Relation:
    """A copy: with rows left out and added, or with the same rows of which some columns are changed; a tree may have leaves of its own."""
    keep = spec.get("keep", [c.name for c in base.columns])
    positions = [base.index(n) for n in keep]
    columns = tuple(base.columns[p] for p in positions)
    differs = spec["differs"]
    order = list(base.rows)
    rng.shuffle(order)
    extra = order[: differs.get("extra", 0)]
    rows = [tuple(row[p] for p in positions) for row in order[differs.get("missing", 0) :]]
    key = next(i for i, c in enumerate(columns) if c.role in ("key", "path"))
    changed = differs.get("changed", {})
    if isinstance(changed, int):  # a tree: that many values
        changed = {"value": changed}
    taken = {row[base.index(columns[key].name)] for row in base.rows} | {row[key] for row in rows}
    for name, count in changed.items():
        at = next(i for i, c in enumerate(columns) if c.name == name)
        for index in rng.sample(range(len(rows)), min(count, len(rows))):
            rows[index] = tuple(_other(v, columns[at], base, rng) if i == at else v for i, v in enumerate(rows[index]))
    for row in extra:
        new = sampling.fresh_key(str(row[base.index(columns[key].name)]), taken, split, rng)
        taken.add(new)
        rows.append(tuple(new if i == key else row[p] for i, p in enumerate(positions)))
    rows += [(path, json.dumps(sampling.plain(leaf, rng), ensure_ascii=False)) for path, leaf in differs.get("adds", {}).items()]
    rng.shuffle(rows)
    return Relation(*words, columns, tuple(rows), root=words[0])


def _other(value: Value, column: Column, base: Relation, rng: random.Random) -> Value:
    """Another value of the same type: a near number, another value of the column."""
    if isinstance(value, Decimal):
        step = Decimal(10).scaleb(-min(column.decimals, 1))
        return value + step * rng.choice((1, 2, 5, 9))
    if column.role == "value" and value is not None:
        return _other_json(str(value), rng)
    others = sorted({str(v) for v in base.values(column.name) if v is not None and v != value})
    return rng.choice(others) if others and isinstance(value, str) else value


def _other_json(text: str, rng: random.Random) -> str:
    value = json.loads(text)
    if isinstance(value, bool):
        return json.dumps(not value)
    if isinstance(value, int):
        return json.dumps(value + rng.choice((1, 2, 5, 10)))
    if isinstance(value, float):
        return json.dumps(round(value + rng.choice((0.5, 1.5, 2.5)), 2))
    return json.dumps(f"{value}-2", ensure_ascii=False)


def changes(words: tuple[str, str, str], spec: dict[str, Any], rng: random.Random, base: Relation) -> Relation:
    """A numbered list of changes in which two things are changed twice, so that the order matters."""
    low, high = spec.get("rows", (5, 8))
    count = rng.randint(low, high)
    if base.columns[0].role == "path" and len(base.columns) == 2:
        return _tree_changes(words, count, rng, base)
    key = next(c for c in base.columns if c.role == "key")
    columns = (Column("no", "seq"), Column(key.name, "key"), Column("field", "field"), Column("value", "value"))
    rows = rng.sample(base.rows, min(count, len(base.rows)))
    entries: list[tuple[Value, str, Value]] = []
    for index, row in enumerate(rows):
        column = base.columns[base.index(spec["touches"][index % len(spec["touches"])])]
        entries.append((row[base.index(key.name)], column.name, _changed_value(row, column, base, rng)))
    entries += [_again(row, entry, base, rng) for row, entry in zip(rows[:TWICE], entries[:TWICE], strict=True)]
    return Relation(*words, columns, tuple((i + 1, *e) for i, e in enumerate(entries)), root=words[0])


def _again(row: Row, entry: tuple[Value, str, Value], base: Relation, rng: random.Random) -> tuple[Value, str, Value]:
    """The same thing changed once more, to another value."""
    key, name, value = entry
    column = base.columns[base.index(name)]
    for _ in range(20):
        again = _changed_value(row, column, base, rng)
        if again != value:
            break
    return key, name, again


def _changed_value(row: Row, column: Column, base: Relation, rng: random.Random) -> Value:
    value = row[base.index(column.name)]
    if column.role in NUMBERS:
        known = [v for v in base.values(column.name) if isinstance(v, Decimal)]
        start = value if isinstance(value, Decimal) else known[0]
        return f"{_other(start, column, base, rng):.{column.decimals}f}"
    return _other(value if value is not None else "", column, base, rng)


def _tree_changes(words: tuple[str, str, str], count: int, rng: random.Random, base: Relation) -> Relation:
    columns = (Column("no", "seq"), Column("path", "path"), Column("value", "value"))
    chosen = rng.sample(base.rows, min(count, len(base.rows)))
    entries = [(path, _other_json(str(value), rng)) for path, value in chosen]
    number = next((i for i, (_, v) in enumerate(entries) if not isinstance(json.loads(v), bool)), 0)
    path, value = entries[number]
    entries.append((path, _other_json(value, rng)))
    return Relation(*words, columns, tuple((i + 1, *e) for i, e in enumerate(entries)), root=words[0])
