"""The truth: plain SQL over views whose columns are named by what an operation takes. DuckDB in memory, one thread."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from generators.relations import Column, Relation, Row, written

Answer = tuple[list[str], list[Row]]
KEPT_ANSWERS = 512
KEPT_STATEMENTS = 4096
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


class Database:
    """A private in-memory database, single-threaded so that results do not depend on the machine.

    Views stay registered from one query to the next, and answers are kept for a while: a task asks the same of the same rows many times.
    """

    def __init__(self) -> None:
        self._connection = duckdb.connect(":memory:", config=SEALED)
        self._connection.execute("PRAGMA disable_optimizer")
        self._connection.execute("SET lock_configuration = true")
        self._views: dict[str, Hashable] = {}
        self._answers: dict[Hashable, Answer] = {}
        self._statements: dict[str, duckdb.Statement] = {}

    def query(self, sql: str, inputs: dict[str, Binding], params: dict[str, Any]) -> Answer:
        """Column names and rows of `sql` over the inputs as views. Raises TruthError with DuckDB's message."""
        used = {p: v for p, v in params.items() if _mentions(p, sql)}
        same = SAMENESS in sql
        keys = {name: (binding.relation, tuple(binding.names.items()), same) for name, binding in inputs.items()}
        asked = (sql, tuple(keys.items()), tuple((p, type(v), v) for p, v in used.items()))
        if asked not in self._answers:
            self._show(inputs, keys, same)
            if len(self._answers) >= KEPT_ANSWERS:
                self._answers.clear()
            try:
                cursor = self._connection.execute(self._parsed(sql), used)
                self._answers[asked] = [d[0] for d in cursor.description], [tuple(r) for r in cursor.fetchall()]
            except duckdb.Error as error:
                raise TruthError(str(error).split("\n\n")[0]) from error
        columns, rows = self._answers[asked]
        return list(columns), list(rows)

    def _parsed(self, sql: str) -> duckdb.Statement:
        """The one statement of a text; parsing is a third of what a small query costs."""
        if sql not in self._statements:
            found = self._connection.extract_statements(sql)
            if len(found) != 1:
                raise TruthError(f"{len(found)} statements where one query is wanted")
            if len(self._statements) >= KEPT_STATEMENTS:
                self._statements.clear()
            self._statements[sql] = found[0]
        return self._statements[sql]

    def _show(self, inputs: Mapping[str, Binding], keys: Mapping[str, Hashable], same: bool) -> None:
        """The inputs, and nothing else, as views."""
        for name in self._views.keys() - inputs.keys():
            self._connection.unregister(name)
            del self._views[name]
        for name, binding in inputs.items():
            if self._views.get(name) != keys[name]:
                self._connection.register(name, arrow(binding, same))
                self._views[name] = keys[name]

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()


def connect() -> contextlib.closing[Database]:
    """A database for a `with` block."""
    return contextlib.closing(Database())


@functools.cache
def of_process(pid: int) -> Database:
    """The database that this process (its pid) keeps for all its tasks: opening one costs as much as a dozen queries."""
    return Database()


@functools.cache
def _mentions(param: str, sql: str) -> bool:
    return re.search(rf"\${param}\b", sql) is not None


def arrow(binding: Binding, same: bool) -> pa.Table:
    """A bound relation as the Arrow table behind its view; with `same`, which of its rows are the same, where it says so."""
    relation = binding.relation
    fields = [pa.field(n, c.arrow) for n, c in zip(binding.view, relation.columns, strict=True)]
    columns = [pa.array([row[i] for row in relation.rows], type=f.type) for i, f in enumerate(fields)]
    if same and relation.same:
        counted = [relation.index(n) for n in relation.same]
        fields.append(pa.field(SAMENESS, pa.string()))
        columns.append(pa.array([repr([written(row[i], relation.columns[i]) for i in counted]) for row in relation.rows], type=pa.string()))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))
