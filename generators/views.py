"""What the SQL of an operation sees of its inputs: the columns that it can name, and one more that stands for all others together.

The rows of every domain so come in few shapes, and a query prepared for one domain serves the others.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from generators.relations import Column, Relation, Row, Value, written
from generators.statements import TruthError

SAMENESS = "sameness"  # an extra column of views over relations that say which of their rows are the same
UNSEEN = "*unseen*"  # a name that no SQL mentions by accident


@dataclass(frozen=True)
class Binding:
    """An input of an operation: the relation, and which of its columns each bound name stands for."""

    relation: Relation
    names: dict[str, Column]

    @property
    def view(self) -> list[str]:
        """The view's column names, in the relation's order: bound names where bound, else the column's own."""
        return list(_view(self.relation.columns, tuple(self.names.items())))


@dataclass(frozen=True)
class Cut:
    """The columns of an input, by name in the view and place in the relation: those that some SQL sees, those that it does not."""

    seen: tuple[tuple[str, int], ...]
    unseen: tuple[tuple[str, int], ...]
    shape: Hashable  # names and types of what is seen
    sameness: bool


@functools.lru_cache(maxsize=1 << 14)
def _view(columns: tuple[Column, ...], names: tuple[tuple[str, Column], ...]) -> tuple[str, ...]:
    bound = {column.name: name for name, column in names}
    taken = {name for name, _ in names}
    return tuple(bound.get(c.name) or (f"{c.name}_" if c.name in taken else c.name) for c in columns)


def cut(binding: Binding, sql: str) -> Cut:
    """How much of an input the SQL sees."""
    relation = binding.relation
    return _cut(relation.columns, tuple(binding.names.items()), sql, SAMENESS in sql and bool(relation.same))


@functools.lru_cache(maxsize=1 << 14)
def _cut(columns: tuple[Column, ...], names: tuple[tuple[str, Column], ...], sql: str, sameness: bool) -> Cut:
    bound, words = {name for name, _ in names}, _words(sql)
    placed = [(name, at) for at, name in enumerate(_view(columns, names))]
    seen = tuple(sorted(p for p in placed if p[0] in bound or p[0].lower() in words))
    unseen = tuple(p for p in placed if p not in seen)
    return Cut(seen, unseen, (tuple((n, columns[at].arrow) for n, at in seen), bool(unseen), sameness), sameness)


@functools.lru_cache(maxsize=1 << 12)
def _words(sql: str) -> frozenset[str]:
    """All that may be a name in the SQL, in small letters: its words, and whatever stands in quotation marks."""
    return frozenset(w.lower() for w in (*re.findall(r"\w+", sql), *re.findall(r'"([^"]+)"', sql)))


class Carried:
    """The values of unseen columns, each row's under a number: the same number for the same values, whichever input they are of."""

    def __init__(self) -> None:
        self._kept: list[tuple[tuple[str, ...], Row]] = []
        self._numbers: dict[tuple[str, ...], dict[Row, int]] = {}
        self._first: tuple[str, ...] = ()

    def numbers(self, relation: Relation, unseen: Sequence[tuple[str, int]]) -> list[int]:
        """A number for each row."""
        names = tuple([name for name, _ in unseen])
        self._first = self._first or names
        numbers = self._numbers.setdefault(names, {})
        found = []
        for values in zip(*([row[at] for row in relation.rows] for _, at in unseen), strict=True):
            number = numbers.setdefault(values, len(self._kept))
            if number == len(self._kept):
                self._kept.append((names, values))
            found.append(number)
        return found

    def unpacked(self, columns: list[str], rows: list[Row]) -> tuple[list[str], list[Row]]:
        """An answer with the unseen columns in the place of their numbers. Raises TruthError where columns of different inputs mix."""
        for at in reversed([i for i, name in enumerate(columns) if name.startswith(UNSEEN)]):
            held = [self._kept[row[at]] if row[at] is not None else None for row in rows]  # type: ignore[index]
            names = next((one[0] for one in held if one), self._first)
            if any(one and len(one[0]) != len(names) for one in held):
                raise TruthError("rows of inputs with different columns, put under one another")
            suffix, blank = columns[at].removeprefix(UNSEEN), (None,) * len(names)
            columns = [*columns[:at], *(name + suffix for name in names), *columns[at + 1 :]]
            rows = [(*row[:at], *(one[1] if one else blank), *row[at + 1 :]) for row, one in zip(rows, held, strict=True)]
        return columns, rows


def table(relation: Relation, part: Cut, carried: Carried) -> pa.RecordBatch:
    """What is seen of a relation, as the batch of Arrow behind its view. Raises TruthError where its truth gave a column other values."""
    names = [name for name, _ in part.seen]
    try:
        columns = [relation.array(at) for _, at in part.seen]
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise TruthError(f"{relation.name}: {error}") from error
    if part.unseen:
        names.append(UNSEEN)
        columns.append(pa.array(carried.numbers(relation, part.unseen), type=pa.int32()))
    if part.sameness:
        names.append(SAMENESS)
        columns.append(pa.array(_sameness(relation), type=pa.string()))
    return pa.RecordBatch.from_arrays(columns, names=names)


def _sameness(relation: Relation) -> list[Value]:
    """A text for each row, equal for rows that are the same."""
    counted = [relation.index(name) for name in relation.same]
    return [repr([written(row[at], relation.columns[at]) for at in counted]) for row in relation.rows]
