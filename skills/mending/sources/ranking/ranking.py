"""Every row's place by __MEASURE__."""

from decimal import Decimal


def ranking(rows):
    """One entry for each row with "place", "key" and "measure", the highest __MEASURE__ first."""
    known = [row for row in rows if row["__MEASURE__"] is not None]
    ranked = sorted(known, key=lambda row: (-Decimal(row["__MEASURE__"]), row["__KEY__"]))
    result = []
    place, previous = 0, None
    for number, row in enumerate(ranked, 1):
        value = Decimal(row["__MEASURE__"])
        if value != previous:
            place = number
        previous = value
        result.append({"place": place, "key": row["__KEY__"], "measure": row["__MEASURE__"]})
    return result
