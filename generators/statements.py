"""Statements that are prepared once and run with many values: what parsing and planning cost is paid once for all tasks."""

from __future__ import annotations

import functools
import re
from collections.abc import Hashable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

KEPT_RUNS = 64  # parsed statements of one connection that run a prepared one


class TruthError(Exception):
    """The SQL of an operation fails or yields what it should not; the message says how, in DuckDB's words where DuckDB says it."""


class Prepared:
    """The statements of one connection, by their SQL and the types of their parameters."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._names: dict[Hashable, str] = {}
        self._runs: dict[str, duckdb.Statement] = {}  # parsed once: a step's mutants run a statement with the same values many times

    def run(self, sql: str, params: dict[str, Any]) -> duckdb.DuckDBPyConnection:
        """The connection with the answer of `sql`, all of whose parameters are given.

        Raises duckdb.Error, and TruthError where `sql` is not the one statement that it should be.
        """
        literals = {name: literal(value) for name, value in params.items()}
        key = (sql, tuple((name, kind) for name, (_, kind) in literals.items()))
        if key not in self._names:
            self._names[key] = self._prepare(sql, {name: kind for name, (_, kind) in literals.items()})
        given = ", ".join(f"{name} := {text}" for name, (text, _) in literals.items())
        text = f"EXECUTE {self._names[key]}({given})" if given else f"EXECUTE {self._names[key]}"
        if text not in self._runs:
            if len(self._runs) >= KEPT_RUNS:
                self._runs.clear()
            self._runs[text] = self._connection.extract_statements(text)[0]
        return self._connection.execute(self._runs[text])

    def _prepare(self, sql: str, kinds: dict[str, str]) -> str:
        name = f"s{len(self._names)}"
        for param, kind in kinds.items():  # of a parameter without a type, each run would plan anew
            sql = param_of(param).sub(f"CAST(${param} AS {kind})", sql)
        found = self._connection.extract_statements(f"PREPARE {name} AS {sql}")
        if len(found) != 1:
            raise TruthError(f"{len(found)} statements where one query is wanted")
        self._connection.execute(found[0])
        return name


@functools.cache
def param_of(name: str) -> re.Pattern[str]:
    """What matches a parameter in SQL."""
    return re.compile(rf"\${re.escape(name)}\b")


def literal(value: Any) -> tuple[str, str]:
    """A value as SQL writes it, and its type. Raises TypeError for a value that no parameter has."""
    match value:
        case None:
            found = "NULL", "VARCHAR"
        case bool():
            found = str(value), "BOOLEAN"
        case int():
            found = str(value), "INTEGER" if -(2**31) <= value < 2**31 else "BIGINT"
        case float():
            found = repr(value), "DOUBLE"
        case Decimal():
            found = f"{value:f}", _decimal(value)
        case datetime():
            found = f"TIMESTAMP '{value.isoformat(sep=' ')}'", "TIMESTAMP"
        case date():
            found = f"DATE '{value.isoformat()}'", "DATE"
        case str():
            found = "'" + value.replace("'", "''") + "'", "VARCHAR"
        case _:
            raise TypeError(f"a parameter of type {type(value).__name__}")
    return found


def _decimal(value: Decimal) -> str:
    _, digits, exponent = value.as_tuple()
    scale = max(0, -int(exponent))
    return f"DECIMAL({max(len(digits) + max(int(exponent), 0), scale, 1)}, {scale})"
