"""The same SQL asked of many inputs at once.

Over thirty rows a query costs what its operators cost to set up; over the rows of twenty questions it costs little more. The SQL becomes a
subquery of each question, which DuckDB turns into joins and groupings by question (Neumann and Kemper, Unnesting Arbitrary Queries, BTW
2015). What it yields comes back as a list for each, in the order that the SQL gives.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import pyarrow as pa

from generators import views
from generators.database import FAILURES, InMemory
from generators.questions import Answer, Question
from generators.relations import Row
from generators.statements import TruthError, param_of
from generators.views import Carried

T = TypeVar("T")
AT = "*at*"  # the number of a question, in all tables
ASKED = "*asked*"  # the table of questions, with their parameters
LEAST = 3  # two at once cost as much as one after the other
OPEN = re.compile(r"""(?<!")\blimit\b(?!")|\bover\s*\(\s*\)""", re.IGNORECASE)
OURS = '"*'  # how names begin that are ours

Found = Answer | TruthError


def group_of(asked: Question) -> Hashable:
    """Equal for questions that can be asked at once. Raises TypeError for a value that no parameter has."""
    return asked.sql, asked.shape, tuple(asked.kinds.items())


@functools.cache
def alone(sql: str) -> bool:
    """Whether SQL is asked alone, always: it may take the first rows of an order that it leaves open, so that its answer could change with
    what else is asked (and it would gain nothing), or it names what is ours."""
    return OPEN.search(sql) is not None or OURS in sql


def answers(db: InMemory, questions: Sequence[Question]) -> list[Found]:
    """The answer to each of the questions, which are all of one group, or what is wrong with it.

    What can't be asked at once, or fails for one of them, is asked one by one.
    """
    found = at_once(db, questions) if len(questions) >= LEAST and not alone(questions[0].sql) else None
    return [found_of(db.answer, q) for q in questions] if found is None else found


def found_of(answer: Callable[[T], Answer], asked: T) -> Found:
    """The answer, or what is wrong with it."""
    try:
        return answer(asked)
    except TruthError as error:
        return error


def at_once(db: InMemory, questions: Sequence[Question]) -> list[Found] | None:
    """All answers by one query; None where the SQL can't be asked so, or fails for one of them."""
    first = questions[0]
    carried = [Carried() for _ in questions]
    try:
        shelf = db.shelf((ASKED, group_of(first)))
        shelf.show({_ours(name): _rows_of(name, questions, carried) for name in first.inputs} | {ASKED: _asked(questions)})
        cursor = shelf.prepared.run(for_many(first), {})
        columns = [d[0] for d in cursor.description][1:]
        yielded: list[list[Row]] = [[] for _ in questions]
        for at, *row in cursor.fetchall():
            yielded[at].append(tuple(row))
    except (TruthError, *FAILURES):
        return None
    return [found_of(functools.partial(c.unpacked, columns), rows) for c, rows in zip(carried, yielded, strict=True)]


def for_many(asked: Question) -> str:
    """SQL over the tables of many questions: the number of a question and a row that it yields."""
    sql = asked.sql.strip().rstrip(";")
    for name, kind in asked.kinds.items():
        sql = param_of(name).sub(f'CAST("{ASKED}"."{_ours(name)}" AS {kind})', sql)
    shown = [f'"{n}" AS (SELECT * EXCLUDE ("{AT}") FROM "{_ours(n)}" AS r WHERE r."{AT}" = "{ASKED}"."{AT}")' for n in asked.inputs]
    rows = f"(WITH {', '.join(shown)} SELECT list(q) FROM ({sql}\n) AS q)"  # a line of its own: SQL may end with a remark
    return f'SELECT "{AT}", unnest(found, max_depth := 2) FROM (SELECT "{ASKED}"."{AT}", {rows} AS found FROM "{ASKED}")'


def _ours(name: str) -> str:
    """The name of the table of all rows of a view, or of the column of a parameter: one that SQL that is asked at once does not mention."""
    return f"*{name} of many*"


def _rows_of(view: str, questions: Sequence[Question], carried: Sequence[Carried]) -> pa.RecordBatch:
    """The rows of all the questions' inputs of that name, in front of them the number of the question. Raises TruthError."""
    tables = [views.table(q.inputs[view].relation, q.cuts[view], c) for q, c in zip(questions, carried, strict=True)]
    numbers = pa.array([at for at, table in enumerate(tables) for _ in range(table.num_rows)], type=pa.int32())
    columns = [pa.concat_arrays([t.column(at) for t in tables]) for at in range(tables[0].num_columns)]
    return pa.RecordBatch.from_arrays([numbers, *columns], names=[AT, *tables[0].schema.names])


def _asked(questions: Sequence[Question]) -> pa.RecordBatch:
    """A row for each question: its number, its parameters."""
    params = {_ours(name): pa.array([q.params[name] for q in questions]) for name in questions[0].params}
    numbers = pa.array(range(len(questions)), type=pa.int32())
    return pa.RecordBatch.from_arrays([numbers, *params.values()], names=[AT, *params])
