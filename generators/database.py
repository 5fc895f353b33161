"""The truth: plain SQL over views whose columns are named by what an operation takes. DuckDB in memory, one thread."""

from __future__ import annotations

import atexit
import contextlib
import functools
import re
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from generators.relations import Column, Relation, Row, written

Answer = tuple[list[str], list[Row]]
KEPT_ANSWERS = 512
KEPT_STATEMENTS = 4096
SHELVES = 64  # sets of views that stay registered, each on a connection of its own
SEALED = {"threads": 1, "enable_external_access": False}  # SQL of specs reads no file and no network
SAMENESS = "sameness"  # an extra column of views over relations that say which of their rows are the same


class TruthError(Exception):
    """The SQL of an operation failed; the message is DuckDB's."""


@dataclass(frozen=True)
class Binding:
    """An input of an operation: the relation, and which of its columns each bound name stands for."""

    relation: Relation
    names: dict[str, Column]

    @property
    def view(self) -> list[str]:
        """The view's column names, in the relation's order: bound names where bound, else the column's own."""
        bound = {column.name: name for name, column in self.names.items()}
        return [bound.get(c.name) or (f"{c.name}_" if c.name in self.names else c.name) for c in self.relation.columns]


class View:
    """What is registered as a view: whatever table it holds when it is scanned. Other rows of the same columns need no other view."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self.table.schema.__arrow_c_schema__()


@dataclass
class Shelf:
    """A connection with its views, and what they hold."""

    connection: duckdb.DuckDBPyConnection
    views: dict[str, View]
    holds: Hashable = None


class Database:
    """A private in-memory database, single-threaded so that results do not depend on the machine.

    Views stay registered from one query to the next (one costs as much as a small query), and answers are kept for a while: a task asks
    the same of the same rows many times.
    """

    def __init__(self) -> None:
        self._main = duckdb.connect(":memory:", config=SEALED)
        self._shelves: OrderedDict[Hashable, Shelf] = OrderedDict()  # the one asked longest ago comes first
        self._free = [self._cursor() for _ in range(SHELVES)]
        self._main.execute("SET lock_configuration = true")
        self._answers: dict[Hashable, Answer] = {}
        self._statements: dict[str, duckdb.Statement] = {}

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor = self._main.cursor()
        cursor.execute("PRAGMA disable_optimizer")
        return cursor

    def query(self, sql: str, inputs: dict[str, Binding], params: dict[str, Any]) -> Answer:
        """Column names and rows of `sql` over the inputs as views. Raises TruthError with DuckDB's message."""
        used = {p: v for p, v in params.items() if _mentions(p, sql)}
        same = SAMENESS in sql
        shown = tuple((name, binding.relation, tuple(binding.names.items()), same) for name, binding in inputs.items())
        asked = (sql, shown, tuple((p, type(v), v) for p, v in used.items()))
        if asked not in self._answers:
            if len(self._answers) >= KEPT_ANSWERS:
                self._answers.clear()
            try:
                cursor = self._shelf(shown, inputs, same).connection.execute(self._parsed(sql), used)
                self._answers[asked] = [d[0] for d in cursor.description], [tuple(r) for r in cursor.fetchall()]
            except duckdb.Error as error:
                raise TruthError(str(error).split("\n\n")[0]) from error
        columns, rows = self._answers[asked]
        return list(columns), list(rows)

    def _parsed(self, sql: str) -> duckdb.Statement:
        """The one statement of a text; parsing is a third of what a small query costs."""
        if sql not in self._statements:
            found = self._main.extract_statements(sql)
            if len(found) != 1:
                raise TruthError(f"{len(found)} statements where one query is wanted")
            if len(self._statements) >= KEPT_STATEMENTS:
                self._statements.clear()
            self._statements[sql] = found[0]
        return self._statements[sql]

    def _shelf(self, shown: Hashable, inputs: dict[str, Binding], same: bool) -> Shelf:
        """A connection that sees the inputs, and nothing else, as views."""
        shape = tuple((name, same and bool(b.relation.same), _typed(b)) for name, b in inputs.items())
        shelf = self._shelves.pop(shape, None) or self._new(inputs, same)
        self._shelves[shape] = shelf
        if shelf.holds != shown:
            tables = {name: arrow(binding, same) for name, binding in inputs.items()}
            for name, table in tables.items():
                shelf.views[name].table = table
            shelf.holds = shown
        return shelf

    def _new(self, inputs: dict[str, Binding], same: bool) -> Shelf:
        if not self._free:
            oldest = self._shelves.popitem(last=False)[1]
            for name in oldest.views:
                oldest.connection.unregister(name)
            self._free.append(oldest.connection)
        connection = self._free.pop()
        views = {name: View(arrow(binding, same)) for name, binding in inputs.items()}
        for name, view in views.items():
            connection.register(name, view)
        return Shelf(connection, views)

    def close(self) -> None:
        """Give the memory back."""
        for connection in (*self._free, *(s.connection for s in self._shelves.values()), self._main):
            connection.close()
        for kept in (self._free, self._shelves, self._statements, self._answers):
            kept.clear()


def connect() -> contextlib.closing[Database]:
    """A database for a `with` block."""
    return contextlib.closing(Database())


@functools.cache
def of_process(pid: int) -> Database:
    """The database that this process (its pid) keeps for all its tasks: opening one costs as much as a dozen queries."""
    kept = Database()
    atexit.register(kept.close)
    return kept


@functools.cache
def _mentions(param: str, sql: str) -> bool:
    return re.search(rf"\${param}\b", sql) is not None


def _typed(binding: Binding) -> Hashable:
    """The names and types of a view's columns."""
    return tuple((v, c.role, c.decimals) for v, c in zip(binding.view, binding.relation.columns, strict=True))


def arrow(binding: Binding, same: bool) -> pa.Table:
    """A bound relation as the Arrow table behind its view; with `same`, which of its rows are the same, where it says so."""
    relation = binding.relation
    names, columns = list(binding.view), list(relation.arrays)
    if same and relation.same:
        counted = [relation.index(n) for n in relation.same]
        names.append(SAMENESS)
        columns.append(pa.array([repr([written(row[i], relation.columns[i]) for i in counted]) for row in relation.rows], type=pa.string()))
    return pa.Table.from_arrays(columns, names=names)
