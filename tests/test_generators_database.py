"""The truth's database: SQL of specs sees the views that it was given, and nothing of the machine."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from generators import database
from generators.database import Binding, TruthError
from generators.relations import Column, Relation

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
