"""The truth's database: SQL of specs sees the views that it was given, and nothing of the machine."""

from __future__ import annotations

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
