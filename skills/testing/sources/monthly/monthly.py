"""What __MEASURE__ comes to in each month."""

from decimal import Decimal


def monthly(rows):
    """One entry for each month with "month", "total" and "entries", the earliest month first."""
    sums = {}
    counts = {}
    for row in rows:
        day, amount = row["__WHEN__"], row["__MEASURE__"]
        if day is None or amount is None:
            continue
        month = day[:7]
        sums[month] = sums.get(month, Decimal(0)) + Decimal(amount)
        counts[month] = counts.get(month, 0) + 1
    return [{"month": month, "total": str(sums[month]), "entries": counts[month]} for month in sorted(sums)]
