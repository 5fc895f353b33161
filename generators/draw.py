"""Drawing the hidden database of a domain: every value comes from a seed and the entry's own YAML."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from generators import derived, sampling
from generators.relations import Column, Relation, Row, Value


def draw(domain: dict[str, Any], names: list[str], split: str, seed: str) -> dict[str, Relation]:
    """The relations of a domain called `names`, and those they derive from, drawn from `seed`.

    A relation's rows depend on the seed and its own entry only (and on what it derives from). Open pools of values
    are divided between the splits by the hash of the value.
    """
    drawn: dict[str, Relation] = {}

    def need(name: str) -> Relation:
        if name not in drawn:
            drawn[name] = _relation(name, domain["relations"][name], split, random.Random(f"{seed}/{name}"), need)
        return drawn[name]

    for name in names:
        need(name)
    return drawn


def _relation(name: str, spec: dict[str, Any], split: str, rng: random.Random, need: Callable[[str], Relation]) -> Relation:
    words = (name, spec["one"], spec["many"])
    if "per" in spec:
        return derived.per(words, spec, split, rng, need)
    if "like" in spec:
        return derived.like(words, spec, split, rng, need(spec["like"]))
    if "changes" in spec:
        return derived.changes(words, spec, rng, need(spec["changes"]))
    if "tree" in spec:
        leaves = [(path, json.dumps(sampling.plain(leaf, rng), ensure_ascii=False)) for path, leaf in spec["tree"].items()]
        return Relation(*words, (Column("path", "path"), Column("value", "value")), tuple(leaves), root=name)
    columns = tuple(sampling.column_of(n, c) for n, c in spec["columns"].items())
    low, high = spec.get("rows", (14, 24))
    rows = _table(spec, columns, rng.randint(low, high), split, rng, need)
    return Relation(*words, columns, tuple(rows), root=name, same=tuple(spec.get("same", ())))


def _table(
    spec: dict[str, Any], columns: tuple[Column, ...], count: int, split: str, rng: random.Random, need: Callable[[str], Relation]
) -> list[Row]:
    """Rows of a relation of its own: first the columns that stand alone, then those that follow others, file names last."""
    drawn: dict[str, list[Value]] = {}
    for column in sorted(columns, key=lambda c: _turn(spec["columns"], c.name)):
        own = spec["columns"][column.name]
        if column.joins:
            values = _references(need(column.joins), int(own.get("orphans", 0)), count, split, rng)
        elif "name" in own["draw"]:
            values = [own["draw"]["name"].format(**{n: _slug(v[i]) for n, v in drawn.items()}) for i in range(count)]
        else:
            values = _series(own, column, count, split, rng, drawn)
        drawn[column.name] = _blanked(own, column, values, drawn, rng)
    rows: list[Row] = [tuple(drawn[c.name][i] for c in columns) for i in range(count)]
    if "unique" in spec:
        rows = _unique(rows, [i for i, c in enumerate(columns) if c.name in spec["unique"]])
    for _ in range(spec.get("repeats", 0)):
        rows.append(_repeat(rng.choice(rows), rows, columns, split, rng))
    rng.shuffle(rows)
    return rows


def _turn(columns: dict[str, Any], name: str) -> int:
    """0 for a column that stands alone, 1 more than the latest of those it follows otherwise; file names after all others."""
    spec = columns[name]
    if "name" in spec.get("draw", {}):
        return len(columns) + 1
    return max((1 + _turn(columns, other) for other in followed(spec)), default=0)


def followed(spec: dict[str, Any]) -> list[str]:
    """The columns whose values a column's own values depend on."""
    how = spec.get("draw", {})
    return [
        *([how["by"]] if "by" in how else []),
        *([how["after"]] if "after" in how else []),
        *how.get("product", []),
        *spec.get("only", {}),
    ]


def _references(parents: Relation, orphans: int, count: int, split: str, rng: random.Random) -> list[Value]:
    """Keys of the parents, some of them often and some never; the last `orphans` of them like a key, but nobody's."""
    key = parents.column("key")
    if key is None:
        raise ValueError(f"{parents.name} has no key to refer to")
    known = [str(v) for v in parents.values(key.name)]
    used = known[: max(2, len(known) * 4 // 5)]
    values: list[Value] = [rng.choice(used) for _ in range(count)]
    taken: set[Value] = set(known)
    for place in rng.sample(range(count), min(orphans, count)):
        values[place] = sampling.fresh_key(known[0], taken, split, rng)
    return values


def _unique(rows: list[Row], at: list[int]) -> list[Row]:
    """The first row of each combination of these columns."""
    first: dict[tuple[Value, ...], Row] = {}
    for row in rows:
        first.setdefault(tuple(row[i] for i in at), row)
    return list(first.values())


def _blanked(spec: dict[str, Any], column: Column, values: list[Value], drawn: dict[str, list[Value]], rng: random.Random) -> list[Value]:
    """The values with blanks among them: by chance, and wherever another column says that there is nothing to tell (`only`)."""
    share = spec.get("blank", 0)
    if share:
        values = [None if rng.random() < share else v for v in values]
    for other, allowed in spec.get("only", {}).items():
        values = [v if str(o) in map(str, allowed) else None for v, o in zip(values, drawn[other], strict=True)]
    return values


def _slug(value: Value) -> str:
    return str(value).replace(" ", "-").replace("/", "-")


def _repeat(row: Row, rows: list[Row], columns: tuple[Column, ...], split: str, rng: random.Random) -> Row:
    """The row entered again under a key of its own, with other columns that don't count as `same` left as they are.

    A file's name that has the key in it has the new one.
    """
    key = next(i for i, c in enumerate(columns) if c.role == "key")
    new = sampling.fresh_key(str(row[key]), {r[key] for r in rows}, split, rng)
    named = [str(v).replace(str(row[key]), new) if c.role == "path" else v for v, c in zip(row, columns, strict=True)]
    return tuple(new if i == key else v for i, v in enumerate(named))


def _series(spec: dict[str, Any], column: Column, count: int, split: str, rng: random.Random, drawn: dict[str, list[Value]]) -> list[Value]:
    how = spec["draw"]
    if column.role == "key":
        return list(sampling.keys(how["pattern"], count, split, rng))
    if "by" in how:
        return [_by(how["of"], str(other), column, split, rng) for other in drawn[how["by"]]]
    if "after" in how:
        low, high = how["days"]
        return [v + timedelta(days=rng.randint(low, high)) if isinstance(v, date) else None for v in drawn[how["after"]]]
    if "product" in how:
        factors = zip(*(drawn[name] for name in how["product"]), strict=True)
        return [None if None in row else sampling.typed(math.prod(Decimal(str(v)) for v in row), column) for row in factors]
    return sampling.series(how, column, count, split, rng)


def _by(options: dict[str, Any], value: str, column: Column, split: str, rng: random.Random) -> Value:
    """A value drawn as the other column's value has it; values that are not listed are drawn as the last one."""
    how = options.get(value) or next(reversed(options.values()))
    return sampling.typed(sampling.one(how, column, split, rng), column)
