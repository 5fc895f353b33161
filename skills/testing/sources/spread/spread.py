"""How far __MEASURE__ goes apart within each __GROUP__."""

from decimal import Decimal


def spread(rows):
    """One entry for each __GROUP__ with "group", "lowest", "highest" and "spread", the widest first."""
    amounts = {}
    for row in rows:
        if row["__GROUP__"] is not None and row["__MEASURE__"] is not None:
            amounts.setdefault(row["__GROUP__"], []).append(Decimal(row["__MEASURE__"]))
    found = []
    for name, own in amounts.items():
        if len(own) > 1:
            found.append((min(own) - max(own), name, min(own), max(own)))
    return [{"group": name, "lowest": str(low), "highest": str(high), "spread": str(high - low)} for _, name, low, high in sorted(found)]
