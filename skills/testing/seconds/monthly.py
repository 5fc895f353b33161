"""Month by month."""

from decimal import Decimal
from itertools import groupby
from operator import itemgetter


def _complete(rows):
    for row in rows:
        if row["__WHEN__"] and row["__MEASURE__"]:
            yield row["__WHEN__"][:7], Decimal(row["__MEASURE__"])


def monthly(rows):
    """A list with a dictionary for every month."""
    result = []
    for month, pairs in groupby(sorted(_complete(rows)), key=itemgetter(0)):
        amounts = [amount for _, amount in pairs]
        entry = {"month": month, "total": str(sum(amounts)), "entries": len(amounts)}
        result.append(entry)
    return result
