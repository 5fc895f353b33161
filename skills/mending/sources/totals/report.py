"""What every __GROUP__ comes to."""

from decimal import Decimal


def totals(rows):
    """One entry for each __GROUP__ with "group", "total" and "entries", the largest total first."""
    sums = {}
    counts = {}
    for row in rows:
        name, amount = row["__GROUP__"], row["__MEASURE__"]
        if name is None or amount is None:
            continue
        sums[name] = sums.get(name, Decimal(0)) + Decimal(amount)
        counts[name] = counts.get(name, 0) + 1
    names = sorted(sums, key=lambda name: (-sums[name], name))
    return [{"group": name, "total": str(sums[name]), "entries": counts[name]} for name in names]
