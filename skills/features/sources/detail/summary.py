"""A summary of __MEASURE__ for each __GROUP__."""

from decimal import Decimal


def summary(rows):
    """One entry for each __GROUP__, the largest total first; what is in it is told in the README."""
    amounts = {}
    for row in rows:
        if row["__GROUP__"] is not None and row["__MEASURE__"] is not None:
            amounts.setdefault(row["__GROUP__"], []).append(Decimal(row["__MEASURE__"]))
    entries = []
    for name, own in amounts.items():
        entry = {"group": name, "total": str(sum(own)), "entries": len(own), "largest": str(max(own)), "smallest": str(min(own))}
        entries.append(entry)
    return sorted(entries, key=lambda entry: (-Decimal(entry["total"]), entry["group"]))
