"""Relations as a SQLite database with one table."""

from __future__ import annotations

import sqlite3
from decimal import Decimal

from generators.relations import NUMBERS, Column, Relation, Value, written
from generators.renderers.markup import element

INTEGERS = ("span", "seq")


def sqlite(relation: Relation) -> bytes:
    """The database file: numbers as INTEGER or REAL, dates and times as ISO text, a blank as NULL."""
    table = element(relation.many)
    columns = ", ".join(f'"{c.name}" {_type(c)}' for c in relation.columns)
    db = sqlite3.connect(":memory:")
    try:
        # What a build of SQLite may have other defaults for is said, so that every build lays out the same pages.
        db.executescript("PRAGMA page_size = 4096; PRAGMA encoding = 'UTF-8'; PRAGMA auto_vacuum = NONE; PRAGMA secure_delete = ON")
        db.execute(f'CREATE TABLE "{table}" ({columns})')
        marks = ", ".join("?" * len(relation.columns))
        rows = [[_stored(v, c) for v, c in zip(row, relation.columns, strict=True)] for row in relation.rows]
        db.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)
        db.commit()
        return _settled(db.serialize())
    finally:
        db.close()


def _type(column: Column) -> str:
    if column.role in NUMBERS:
        return "REAL" if column.decimals else "INTEGER"
    return "INTEGER" if column.role in INTEGERS else "TEXT"


def _stored(value: Value, column: Column) -> str | int | float | None:
    if isinstance(value, Decimal):
        return float(value) if column.decimals else int(value)
    return value if isinstance(value, int) else written(value, column)


def _settled(data: bytes) -> bytes:
    """The file with a header that every version of SQLite writes alike.

    Bytes 92 to 99 hold a change counter and the number of the version that wrote the file last, byte 24 to 27 the counter itself:
    the same rows would give other bytes on another machine. Readers let both be: the two counters agree, and the version is for people.
    """
    counter = (1).to_bytes(4, "big")
    return data[:24] + counter + data[28:92] + counter + (3_040_001).to_bytes(4, "big") + data[100:]
