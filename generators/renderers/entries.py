"""The rows of a file as values: the relation's own, and those that noise puts among them."""

from __future__ import annotations

from decimal import Decimal

from generators.relations import Column, Relation, Row, Value
from generators.renderers import Style

TOTAL = "TOTAL"
VOID = "VOID "  # stands before the key of a row that was struck
COMMENT = "#"
COMMENTS = ("# checked up to here", "# from here on in another hand")
STRUCK_EVERY = 6


def entries(relation: Relation, style: Style) -> list[Row]:
    """Rows in the order of the file. A line of sums and a repeated header hold text where the columns may be numbers or dates."""
    written = [_in_capitals(row, relation, n) for n, row in enumerate(relation.rows)] if style.capitals else list(relation.rows)
    if style.struck:
        old = dict(struck(relation))
        written = [row for n, kept in enumerate(written) for row in ([old[n], kept] if n in old else [kept])]
    if style.repeated_header:
        written.insert(len(written) // 2, tuple(c.name for c in relation.columns))
    if style.total_line:
        written.append(sums(relation))
    return written


def comments(count: int) -> dict[int, str]:
    """Comment lines by the number of the row that they stand before, in a file of so many rows."""
    return {count // 3: COMMENTS[0], 2 * count // 3: COMMENTS[1]}


def suffixed(column: Column) -> bool:
    """Whether the style `units` writes the unit behind the column's numbers."""
    return column.role == "measure" and bool(column.unit)


def total(relation: Relation, index: int) -> Decimal:
    """The sum of a column's measures."""
    return sum((v for row in relation.rows if isinstance(v := row[index], Decimal)), Decimal(0))


def struck(relation: Relation) -> list[tuple[int, Row]]:
    """Struck rows with the number of the row that replaced each: the same entry, once written with a slip in its first measure."""
    key = next((i for i, c in enumerate(relation.columns) if c.role == "key"), None)
    if key is None:
        return []
    measure = next((i for i, c in enumerate(relation.columns) if c.role == "measure"), None)
    return [
        (n, tuple(_slip(v, i, key, measure) for i, v in enumerate(row))) for n, row in enumerate(relation.rows) if n % STRUCK_EVERY == 1
    ]


def _slip(value: Value, index: int, key: int, measure: int | None) -> Value:
    if index == key:
        return f"{VOID}{value}"
    if index == measure and isinstance(value, Decimal):
        return value * 10 if value else value + 10
    return value


def in_capitals(relation: Relation) -> list[Row]:
    """All rows with their states as somebody typed them: small, large, with a capital."""
    return [_in_capitals(row, relation, n) for n, row in enumerate(relation.rows)]


def _in_capitals(row: Row, relation: Relation, number: int) -> Row:
    return tuple(_typed(v, number) if c.role == "state" and isinstance(v, str) else v for v, c in zip(row, relation.columns, strict=True))


def _typed(text: str, number: int) -> str:
    return (text, text.upper(), text.capitalize())[number % 3]


def sums(relation: Relation) -> Row:
    """The line of sums, under the key TOTAL."""
    return tuple(_summed(relation, i, c) for i, c in enumerate(relation.columns))


def _summed(relation: Relation, index: int, column: Column) -> Value:
    if column.role == "key":
        return TOTAL
    return total(relation, index) if column.role == "measure" else None
