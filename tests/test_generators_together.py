"""Asked at once: what many ask by the same SQL is answered as if each had asked alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators import batches, database, task, together
from generators.plan import plans
from generators.questions import Answer, Database, question
from generators.relations import Column, Relation, Row
from generators.statements import TruthError
from generators.views import Binding
from specs import catalogue

ROOT = Path(__file__).parent.parent
COLUMNS = (
    Column("no", "key"),
    Column("shop", "group"),
    Column("price", "measure", decimals=2),
    Column("day", "when"),
    Column("note", "text"),
)
NAMES = {"key": COLUMNS[0], "group": COLUMNS[1], "measure": COLUMNS[2], "when": COLUMNS[3]}
TRUTHS = {
    "all": "SELECT * FROM rows",
    "filtered": 'SELECT * FROM rows WHERE "group" = $val ORDER BY "when" DESC NULLS LAST, key',
    "cut": 'SELECT * FROM rows WHERE measure >= $low AND "when" < $day',
    "by a word of ours": 'SELECT * FROM rows WHERE "when" >= $at AND "group" = $asked ORDER BY key',
    "grouped": 'SELECT "group", sum(measure) AS total, count(*) AS n FROM rows GROUP BY "group" ORDER BY total DESC NULLS LAST, "group" NULLS LAST',
    "one row of none": "SELECT count(*) AS n, max(measure) AS most FROM rows WHERE measure > $low",
    "ranked": 'SELECT key, measure FROM rows QUALIFY row_number() OVER (PARTITION BY "group" ORDER BY measure DESC NULLS LAST, key) <= $n ORDER BY key',
    "joined": "SELECT rows.* FROM rows JOIN other USING (key) WHERE rows.measure IS DISTINCT FROM other.measure ORDER BY key",
    "missing": "SELECT * FROM rows ANTI JOIN other USING (key)",
    "within": 'WITH t AS (SELECT "group" AS g, max(measure) AS top FROM rows GROUP BY "group") SELECT key, top - measure AS gap FROM rows JOIN t ON "group" = g ORDER BY gap NULLS LAST, key',
    "related": "SELECT key, (SELECT count(*) FROM rows b WHERE b.measure < a.measure) AS below FROM rows a ORDER BY key",
    "the same": "SELECT * EXCLUDE (sameness) FROM rows r WHERE NOT EXISTS (SELECT 1 FROM rows o WHERE o.sameness = r.sameness AND o.key < r.key)",
    "first": "SELECT * FROM rows WHERE measure IS NOT NULL ORDER BY measure, key LIMIT $n",
    "as they come": "SELECT key FROM (SELECT *, row_number() OVER () AS nth FROM rows) WHERE nth <= $n",
    "put together": 'SELECT "group", string_agg(key, \'; \' ORDER BY key) AS keys FROM rows GROUP BY "group"',
    "with a remark": "SELECT key FROM rows ORDER BY key -- the end",
    "with an end": "SELECT key FROM rows ORDER BY key;",
}

rows_of = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None]),
        st.none() | st.integers(-300, 300).map(lambda n: Decimal(n) / 100),
        st.none() | st.sampled_from([date(2026, 3, d) for d in (1, 2, 3)]),
        st.sampled_from(["x", "y"]),
    ),
    max_size=7,
).map(lambda found: tuple((f"K{n}", *row) for n, row in enumerate(found)))


def bound(rows: tuple[Row, ...]) -> Binding:
    return Binding(Relation("rows", "row", "rows", COLUMNS, rows, root="rows", same=("shop", "price")), NAMES)


def valued(n: int, val: str) -> dict[str, Any]:
    """A value for each parameter that some truth here has."""
    return {"val": val, "asked": val, "n": n, "low": Decimal(n - 2), "day": date(2026, 3, n), "at": date(2026, 3, n)}


def alone(sql: str, inputs: dict[str, Binding], params: dict[str, Any], db: Database) -> Answer | str:
    try:
        return db.query(sql, inputs, params)
    except TruthError as error:
        return str(error)


def sorted_too(answer: Answer | str) -> Any:
    return answer if isinstance(answer, str) else (answer[0], sorted(map(repr, answer[1])))


def both_ways(sql: str, asked: Sequence[tuple[dict[str, Binding], dict[str, Any]]]) -> tuple[list[Any], list[Any]]:
    """Answers to each alone, and to all side by side."""
    with database.connect() as db:
        singly = [alone(sql, inputs, params, db) for inputs, params in asked]
        numbered = together.run([lambda db, n=n, a=a: (n, alone(sql, *a, db)) for n, a in enumerate(asked)], db)  # type: ignore[misc]
        found = dict(numbered)
    return singly, [found[n] for n in range(len(asked))]


@pytest.mark.parametrize("name", TRUTHS)
@given(st.lists(st.tuples(rows_of, rows_of, st.integers(1, 3), st.sampled_from(["a", "b"])), min_size=3, max_size=6))
def test_many_at_once_are_answered_as_one_by_one(name: str, drawn: list[tuple[Any, Any, int, str]]) -> None:
    sql = TRUTHS[name]
    values = [valued(n, val) for _, _, n, val in drawn]
    asked = [
        ({"rows": bound(r)} | ({"other": bound(o)} if "other" in sql else {}), v) for (r, o, _, _), v in zip(drawn, values, strict=True)
    ]
    singly, at_once = both_ways(sql, asked)
    if "ORDER BY" in sql.rpartition(")")[2] or "nth" in sql:
        assert at_once == singly
    else:
        assert list(map(sorted_too, at_once)) == list(map(sorted_too, singly))


def test_what_is_asked_at_once_is_one_query() -> None:
    """But for SQL that may leave an order open."""
    with database.connect() as db:
        told = {}
        for name, sql in TRUTHS.items():
            inputs = {"rows": bound((("K1", "a", None, None, "x"),))} | ({"other": bound(())} if "other" in sql else {})
            one = question(sql, inputs, valued(1, "a"))
            told[name] = not batches.alone(sql) and batches.at_once(db, [one] * 3) is not None
    assert [name for name, at_once in told.items() if not at_once] == ["first", "as they come"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT nothing FROM rows",
        "SELECT key FROM rows; SELECT key FROM rows",
        "SELECT key FROM rows) AS q), (SELECT 1",
        "SELECT key FROM elsewhere",
        'SELECT "*at*" FROM rows',
        'SELECT "*asked*"."*at*" FROM rows',
        "SET threads = 4",
    ],
)
def test_what_fails_alone_fails_the_same_way_in_company(sql: str) -> None:
    singly, at_once = both_ways(sql, [({"rows": bound((("K1", "a", None, None, "x"),))}, {})] * 4)
    assert isinstance(singly[0], str)
    assert at_once == singly


def test_one_that_fails_leaves_the_others_their_answers() -> None:
    """Where a text is no number, and where an earlier truth gave a column what it can't hold."""
    inputs = [
        {"rows": bound((("K1", "a", value, None, note),))} for value, note in ((Decimal(1), "1"), (Decimal(10) ** 18, "2"), (None, "x"))
    ]
    singly, at_once = both_ways("SELECT key, CAST(note AS INTEGER) + measure AS n FROM rows", [(i, {}) for i in inputs * 2])
    assert [isinstance(found, str) for found in singly] == [False, True, True] * 2
    assert at_once == singly


def test_a_fault_in_one_piece_of_work_is_not_swallowed() -> None:
    def broken(db: Database) -> None:
        db.query("SELECT key FROM rows", {"rows": bound(())}, {})
        raise ZeroDivisionError

    with database.connect() as db, pytest.raises(ZeroDivisionError):
        list(together.run([broken, broken], db))


def test_more_kinds_of_questions_than_stay_prepared_are_all_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "SHELVES", 2)
    inputs = {"rows": bound((("K1", "a", None, None, "x"),))}

    def asking(db: Database) -> list[Answer]:
        return [db.query(f"SELECT key, {n % 4} AS n FROM rows", inputs, {}) for n in range(8)]

    with database.connect() as db:
        assert list(together.run([asking] * 5, db)) == [[(["key", "n"], [("K1", n % 4)]) for n in range(8)]] * 5


def test_tasks_are_the_same_alone_and_in_any_company() -> None:
    """Whatever else is asked with them, and however many at a time."""
    specs = catalogue.load(ROOT)
    found = sorted(plans(specs, 3.0, 0.3), key=lambda p: (p.operations, p.id))[::40]
    near = [p for plan in found for p in [plan, dataclasses.replace(plan, id=plan.id[::-1]), dataclasses.replace(plan, id=f"0{plan.id}")]]

    def made(plan: Any, db: Database) -> tuple[str, Any]:
        return plan.id, task.build(specs, plan, 7, {}, db)

    singly = {p.id: task.build(specs, p, 7, {}) for p in near}
    for width, chosen in ((128, near), (7, near[::-1])):
        assert dict(together.run([partial(made, p) for p in chosen], database.InMemory(), width)) == singly
