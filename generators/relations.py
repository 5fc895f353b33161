"""Relations: the hidden database, as columns with roles and rows of values."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import pyarrow as pa

Value = str | int | Decimal | date | datetime | None
Row = tuple[Value, ...]
R = TypeVar("R", bound=tuple[Any, ...])

TEXT_ROLES = ("key", "ref", "party", "group", "state", "title", "text", "place", "field", "value", "path")
NUMBERS = ("measure", "level")  # a level is a number that does not add up: a temperature, a grade, a price for one


@dataclass(frozen=True)
class Column:
    """A column: its name as written in files, its role; for a number its decimals, its unit and which end is `better` (low or high, or
    empty); for a `ref` the relation whose key it `joins`."""

    name: str
    role: str
    decimals: int = 0
    unit: str = ""
    better: str = ""
    joins: str = ""

    @property
    def words(self) -> str:
        """How a sentence names it; nobody says "the lowest loan no"."""
        return re.sub(r" no$", " number", self.name.replace("_", " "))

    @property
    def kind(self) -> str:
        """The type that checks and readers know: text | integer | number | date | timestamp."""
        if self.role in NUMBERS:
            return "number" if self.decimals else "integer"
        return {"when": "date", "at": "timestamp", "span": "integer", "seq": "integer"}.get(self.role, "text")

    @property
    def arrow(self) -> pa.DataType:
        """Its type in the database."""
        if self.role in NUMBERS:
            return pa.decimal128(18, self.decimals)
        return {"when": pa.date32(), "at": pa.timestamp("s"), "span": pa.int64(), "seq": pa.int64()}.get(self.role, pa.string())


@dataclass(frozen=True)
class Relation:
    """Rows under columns. `root` names the drawn relation whose rows these are (with its key), or is empty."""

    name: str
    one: str
    many: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    ordered: bool = False
    root: str = ""
    same: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        """Kept, since a relation is a key wherever answers are kept."""
        return hash((self.name, self.columns, self.rows, self.ordered))

    @functools.cached_property
    def content(self) -> list[tuple[str | None, ...]]:
        """What two equal relations share: canonical rows, sorted where their order does not count."""
        rows: list[tuple[str | None, ...]] = list(zip(*(all_written(self.rows, at, c) for at, c in enumerate(self.columns)), strict=True))
        return rows if self.ordered else in_order(rows)

    def agrees(self, other: Relation) -> bool:
        """Whether the two have the same content; the number of rows tells most of them apart."""
        return len(self.rows) == len(other.rows) and self.content == other.content

    def array(self, at: int) -> pa.Array:
        """A column as Arrow holds it."""
        if at not in self._arrays:
            self._arrays[at] = pa.array([row[at] for row in self.rows], type=self.columns[at].arrow)
        return self._arrays[at]

    @functools.cached_property
    def _arrays(self) -> dict[int, pa.Array]:
        return {}

    @functools.cached_property
    def texts(self) -> dict[Hashable, str]:
        """The relation as renderers wrote it, by how: a file's equivalents have most of their text in common."""
        return {}

    def index(self, name: str) -> int:
        """Position of the column of that name. Raises KeyError."""
        for position, column in enumerate(self.columns):
            if column.name == name:
                return position
        raise KeyError(f"{self.name} has no column {name}")

    def column(self, role: str) -> Column | None:
        """The first column of that role, or None."""
        return next((c for c in self.columns if c.role == role), None)

    def with_rows(self, rows: list[Row] | tuple[Row, ...]) -> Relation:
        """The same relation with other rows."""
        return dataclasses.replace(self, rows=tuple(rows))

    def values(self, name: str) -> list[Value]:
        """One column's values, in row order."""
        position = self.index(name)
        return [row[position] for row in self.rows]


def in_order(rows: Sequence[R]) -> list[R]:
    """Rows whose order says nothing, sorted, blanks last."""
    try:
        return sorted(rows)
    except TypeError:  # a blank beside a value
        return sorted(rows, key=lambda row: tuple([(v is None, v) for v in row]))


def written(value: Value, column: Column) -> str | None:
    """The canonical text of a value: 12.50, 2026-03-09, 2026-03-09T14:05; None for a blank."""
    if value is None:
        return None
    if column.role in NUMBERS:
        return f"{Decimal(value):.{column.decimals}f}"  # type: ignore[arg-type]
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def all_written(rows: Sequence[Row], at: int, column: Column) -> list[str | None]:
    """The canonical texts of the values at that place of all rows."""
    values = [row[at] for row in rows]
    if column.role in NUMBERS:
        form = f".{column.decimals}f"
        return [None if v is None else format(Decimal(v), form) for v in values]  # type: ignore[arg-type]
    return [v if v is None or type(v) is str else written(v, column) for v in values]
