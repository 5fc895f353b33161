"""The truth's database: SQL of specs sees the views that it was given, and nothing of the machine."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators import database
from generators.relations import Column, Relation, Value
from generators.statements import Prepared, TruthError
from generators.views import Binding

ROWS = Relation("rows", "row", "rows", (Column("no", "key"),), (("1",), ("2",)))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT content FROM read_text('{path}')",
        "SELECT * FROM read_csv('{path}')",
        "SELECT * FROM '{path}'",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM read_csv('https://example.org/{path}')",
        "SET enable_external_access = true",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "ATTACH '{folder}/other.db'",
    ],
)
def test_sql_reaches_no_file_and_no_network(sql: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("no\n7\n")
    with database.connect() as db:
        assert db.query("SELECT no FROM rows ORDER BY no", {"rows": Binding(ROWS, {})}, {})[1] == [("1",), ("2",)]
        with pytest.raises(TruthError):
            db.query(sql.format(path=secret, folder=tmp_path), {"rows": Binding(ROWS, {})}, {})
    assert [p.name for p in tmp_path.iterdir()] == ["secret.csv"]


def rows(*keys: str) -> dict[str, Binding]:
    return {"rows": Binding(dataclasses.replace(ROWS, rows=tuple((k,) for k in keys)), {})}


def test_other_rows_of_the_same_columns_give_their_own_answers() -> None:
    with database.connect() as db:
        for number, keys in enumerate([("1", "2"), ("3",), ("1", "2"), ()]):
            assert db.query(f"SELECT no, {number} AS asked FROM rows", rows(*keys), {})[1] == [(k, number) for k in keys]


@pytest.mark.parametrize(
    ("role", "value"),
    [
        ("measure", 0.125),
        ("measure", Decimal("0.125")),
        ("measure", Decimal(10) ** 18),
        ("when", "10000-01-01"),
        ("seq", 2**64),
        ("key", 3),
    ],
)
def test_an_answer_that_is_not_what_its_column_holds_is_told_by_the_next_query(role: str, value: Value) -> None:
    made = Relation("averages", "line", "lines", (Column("value", role, decimals=2),), ((value,),))
    with database.connect() as db, pytest.raises(TruthError, match=r"^averages: "):
        db.query("SELECT value FROM rows", {"rows": Binding(made, {})}, {})


def test_an_answer_that_python_has_no_value_for_is_a_mistake_of_the_truth() -> None:
    with database.connect() as db, pytest.raises(TruthError, match="too large"):
        db.query("SELECT INTERVAL 2000000000 MONTH AS span FROM rows", rows("1"), {})


def test_an_earlier_querys_inputs_are_not_seen() -> None:
    with database.connect() as db:
        both = {**rows("1"), "other": Binding(ROWS, {})}
        assert db.query("SELECT count(*) AS n FROM rows JOIN other USING (no)", both, {})[1] == [(1,)]
        with pytest.raises(TruthError, match="other"):
            db.query("SELECT count(*) AS n FROM other", rows("1"), {})


def test_more_sets_of_columns_than_stay_registered_are_all_answered() -> None:
    with database.connect() as db:
        for turn in range(2):
            for number in range(database.SHELVES + 3):
                relation = dataclasses.replace(ROWS, columns=(Column(f"c{number}", "key"),), rows=((str(turn),),))
                assert db.query(f"SELECT * FROM t{number}", {f"t{number}": Binding(relation, {})}, {}) == ([f"c{number}"], [(str(turn),)])
        with pytest.raises(TruthError):
            db.query("SELECT * FROM t0", rows("1"), {})


def of(columns: dict[str, str], *rows: tuple[Value, ...]) -> Relation:
    """A relation with columns of these names and roles."""
    return Relation("rows", "row", "rows", tuple(Column(name, role) for name, role in columns.items()), rows)


def bound(relation: Relation, **names: str) -> Binding:
    return Binding(relation, {name: relation.columns[relation.index(column)] for name, column in names.items()})


STAYS = of(
    {"no": "key", "room": "place", "guest": "party"}, ("1", "attic", "Ito"), ("2", "attic", None), ("3", None, "Ito"), ("4", "attic", "Ito")
)


def test_columns_that_sql_does_not_name_come_through_with_their_values() -> None:
    with database.connect() as db:
        columns, rows = db.query("SELECT * FROM rows WHERE key > $low", {"rows": bound(STAYS, key="no")}, {"low": "1"})
    assert columns == ["key", "room", "guest"]
    assert rows == list(STAYS.rows[1:])


def test_rows_are_distinct_by_columns_that_sql_does_not_name() -> None:
    with database.connect() as db:
        found = db.query("SELECT DISTINCT * EXCLUDE (key) FROM rows", {"rows": bound(STAYS, key="no")}, {})
        none = db.query("SELECT * FROM rows WHERE key = '9'", {"rows": bound(STAYS, key="no")}, {})
    assert (found[0], set(found[1])) == (["room", "guest"], {("attic", "Ito"), ("attic", None), (None, "Ito")})
    assert none == (["key", "room", "guest"], [])


def test_equal_rows_of_two_inputs_are_equal_though_sql_names_none_of_their_columns() -> None:
    other = dataclasses.replace(STAYS, rows=(STAYS.rows[2], ("1", "attic", "Ono")))
    with database.connect() as db:
        both = {"rows": bound(STAYS, key="no"), "other": bound(other, key="no")}
        assert db.query("SELECT * FROM rows INTERSECT SELECT * FROM other", both, {})[1] == [STAYS.rows[2]]


def test_inputs_with_different_columns_are_not_put_under_one_another() -> None:
    with database.connect() as db, pytest.raises(TruthError, match="different columns"):
        both = {"rows": bound(STAYS, key="no"), "other": bound(of({"no": "key", "fee": "text"}, ("7", "low")), key="no")}
        db.query("SELECT * FROM rows UNION ALL SELECT * FROM other", both, {})


def test_one_statement_serves_relations_that_differ_in_columns_it_does_not_name(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[str] = []
    prepare = Prepared._prepare
    monkeypatch.setattr(Prepared, "_prepare", lambda self, sql, kinds: prepared.append(sql) or prepare(self, sql, kinds))
    trips = of({"ship": "title", "berth": "key"}, ("Kittiwake", "1"), ("Dunlin", "5"))
    with database.connect() as db:
        for relation, key, count in ((STAYS, "no", 3), (trips, "berth", 1)):
            assert len(db.query("SELECT * FROM rows WHERE key >= $low", {"rows": bound(relation, key=key)}, {"low": "2"})[1]) == count
    assert len(prepared) == 1


@given(
    st.one_of(
        st.text(),
        st.integers(-(2**63), 2**63 - 1),
        st.dates(),
        st.datetimes(),
        st.decimals(-(10**15), 10**15, places=2),
        st.none(),
    )
)
def test_a_parameter_reaches_the_query_as_it_is(value: Value) -> None:
    with database.connect() as db:
        assert db.query("SELECT $x AS x FROM rows", rows("1"), {"x": value}) == (["x"], [(value,)])
