"""What __MEASURE__ comes to: all in all, and after each row."""

from decimal import Decimal


def complete(rows):
    """The rows that have both a __WHEN__ and a __MEASURE__, in the order in which they came."""
    return [row for row in rows if row["__WHEN__"] is not None and row["__MEASURE__"] is not None]


def total(rows):
    """All of __MEASURE__ added up."""
    return sum((Decimal(row["__MEASURE__"]) for row in complete(rows)), Decimal(0))


def running(rows):
    """One entry for each complete row with "key", "when" and "running", the oldest first."""
    result = []
    so_far = Decimal(0)
    for row in sorted(complete(rows), key=lambda row: (row["__WHEN__"], row["__KEY__"])):
        so_far += Decimal(row["__MEASURE__"])
        result.append({"key": row["__KEY__"], "when": row["__WHEN__"], "running": str(so_far)})
    return result
