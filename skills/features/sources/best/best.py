"""Looks through the rows of each __GROUP__."""

from decimal import Decimal


def by_group(rows):
    """Rows with a __MEASURE__ by __GROUP__, each list in the order in which the rows came; rows without a __GROUP__ are left out."""
    found = {}
    for row in rows:
        if row["__GROUP__"] is not None and row["__MEASURE__"] is not None:
            found.setdefault(row["__GROUP__"], []).append(row)
    return found


def sizes(rows):
    """How many such rows each __GROUP__ has."""
    return {name: len(own) for name, own in by_group(rows).items()}


def best(rows):
    """One entry for each __GROUP__ with "group", "key" and "measure" of its row with the highest __MEASURE__."""
    result = []
    for name, own in sorted(by_group(rows).items()):
        first = min(own, key=lambda row: (-Decimal(row["__MEASURE__"]), row["__KEY__"]))
        result.append({"group": name, "key": first["__KEY__"], "measure": first["__MEASURE__"]})
    return result
