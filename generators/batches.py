"""The same SQL asked of many inputs at once.

Over thirty rows a query costs what its operators cost to set up; over the rows of twenty questions it costs little more. The SQL becomes a
subquery of each question, which DuckDB turns into joins and groupings by question (Neumann and Kemper, Unnesting Arbitrary Queries, BTW
2015). What it yields comes back as a list for each, in the order that the SQL gives.
"""

from __future__ import annotations

import functools
import re
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from generators import views
from generators.database import FAILURES, InMemory, View
from generators.questions import Answer, Question
from generators.relations import Row
from generators.statements import TruthError, param_of
from generators.views import Carried

AT = "*at*"  # the number of a question, in all tables
ASKED = "*asked*"  # the table of questions, with their parameters
LEAST = 3  # two at once cost as much as one after the other
KEPT = 64  # statements that stay prepared, each on a connection of its own
OPEN = re.compile(r"""(?<!")\blimit\b(?!")|\bover\s*\(\s*\)""", re.IGNORECASE)
OURS = '"*'  # how names begin that are ours

Found = Answer | TruthError


@dataclass(frozen=True)
class Ready:
    """A statement with its views, on a connection of its own."""

    connection: duckdb.DuckDBPyConnection
    views: dict[str, View]
    statement: duckdb.Statement


def group_of(asked: Question) -> Hashable:
    """Equal for questions that can be asked at once. Raises TypeError for a value that no parameter has."""
    return asked.sql, asked.shape, tuple(asked.kinds.items())


@functools.cache
def alone(sql: str) -> bool:
    """Whether SQL is asked alone, always: it may take the first rows of an order that it leaves open, so that its answer could change with
    what else is asked (and it would gain nothing), or it names what is ours."""
    return OPEN.search(sql) is not None or OURS in sql


class Batches:
    """Answers to many questions of one group. What SQL can't be asked of many at once is asked one by one."""

    def __init__(self, db: InMemory) -> None:
        self._db = db
        self._ready: OrderedDict[Hashable, Ready | None] = OrderedDict()  # None where it can't be asked so; longest unused first

    def answers(self, group: Hashable, questions: Sequence[Question]) -> list[Found]:
        """The answer to each of the questions, which are all of that group, or what is wrong with it."""
        if len(questions) >= LEAST and not alone(questions[0].sql):
            found = self.at_once(group, questions)
            if found is not None:
                return found
        return [self._one(q) for q in questions]

    def _one(self, asked: Question) -> Found:
        try:
            return self._db.answer(asked)
        except TruthError as error:
            return error

    def at_once(self, group: Hashable, questions: Sequence[Question]) -> list[Found] | None:
        """All answers by one query; None where it can't be asked so, or fails for one of them."""
        carried = [Carried() for _ in questions]
        try:
            tables = {name: _rows_of(name, questions, carried) for name in questions[0].inputs}
            ready = self._prepared(group, questions[0], tables | {ASKED: _asked(questions)})
            if ready is None:
                return None
            cursor = ready.connection.execute(ready.statement)
            columns = [d[0] for d in cursor.description][1:]
            yielded: list[list[Row]] = [[] for _ in questions]
            for at, *row in cursor.fetchall():
                yielded[at].append(tuple(row))
        except (TruthError, *FAILURES):
            return None
        return [_unpacked(c, columns, rows) for c, rows in zip(carried, yielded, strict=True)]

    def _prepared(self, group: Hashable, first: Question, tables: dict[str, pa.RecordBatch]) -> Ready | None:
        """The group's statement, over these tables."""
        if group in self._ready:
            self._ready.move_to_end(group)
            if kept := self._ready[group]:
                for name, table in tables.items():
                    kept.views[name].table = table
            return kept
        if len(self._ready) >= KEPT:
            _, oldest = self._ready.popitem(last=False)
            if oldest:
                oldest.connection.close()
        ready = self._ready[group] = self._made_ready(first, tables)
        return ready

    def _made_ready(self, first: Question, tables: dict[str, pa.RecordBatch]) -> Ready | None:
        """A statement over these tables; None where the SQL can't be asked of many at once."""
        connection = self._db.cursor()
        held = {name: View(table) for name, table in tables.items()}
        for name, view in held.items():
            connection.register(name if name == ASKED else _own(name), view)
        try:
            (statement,) = connection.extract_statements(f"PREPARE many AS {at_once(first)}")
            connection.execute(statement)
        except (ValueError, duckdb.Error):  # the former for more statements than one
            connection.close()
            return None
        return Ready(connection, held, connection.extract_statements("EXECUTE many")[0])


def at_once(asked: Question) -> str:
    """SQL over the tables of many questions: the number of a question and a row that it yields."""
    sql = asked.sql.strip().rstrip(";")
    for name, kind in asked.kinds.items():
        sql = param_of(name).sub(f'CAST("{ASKED}"."{_param(name)}" AS {kind})', sql)
    shown = [f'"{n}" AS (SELECT * EXCLUDE ("{AT}") FROM "{_own(n)}" AS r WHERE r."{AT}" = "{ASKED}"."{AT}")' for n in asked.inputs]
    rows = f"(WITH {', '.join(shown)} SELECT list(q) FROM ({sql}\n) AS q)"  # a line of its own: SQL may end with a remark
    return f'SELECT "{AT}", unnest(found, max_depth := 2) FROM (SELECT "{ASKED}"."{AT}", {rows} AS found FROM "{ASKED}")'


def _own(view: str) -> str:
    """The name of the table of all rows of a view: one that no SQL mentions by accident."""
    return f"*{view}*"


def _param(name: str) -> str:
    return f"*{name}*"


def _rows_of(view: str, questions: Sequence[Question], carried: Sequence[Carried]) -> pa.RecordBatch:
    """The rows of all the questions' inputs of that name, in front of them the number of the question. Raises TruthError."""
    tables = [views.table(q.inputs[view].relation, q.cuts[view], c) for q, c in zip(questions, carried, strict=True)]
    numbers = pa.array([at for at, table in enumerate(tables) for _ in range(table.num_rows)], type=pa.int32())
    columns = [pa.concat_arrays([t.column(at) for t in tables]) for at in range(tables[0].num_columns)]
    return pa.RecordBatch.from_arrays([numbers, *columns], names=[AT, *tables[0].schema.names])


def _asked(questions: Sequence[Question]) -> pa.RecordBatch:
    """A row for each question: its number, its parameters."""
    params = {_param(name): pa.array([q.params[name] for q in questions]) for name in questions[0].params}
    numbers = pa.array(range(len(questions)), type=pa.int32())
    return pa.RecordBatch.from_arrays([numbers, *params.values()], names=[AT, *params])


def _unpacked(carried: Carried, columns: list[str], rows: list[Row]) -> Found:
    try:
        return carried.unpacked(columns, rows)
    except TruthError as error:
        return error
