"""Days between one row of a __PARTY__ and its next."""

from datetime import date


def between(earlier, later):
    """Days from one ISO day to another."""
    return (date.fromisoformat(later) - date.fromisoformat(earlier)).days


def gaps(rows):
    """One entry for each dated row with "party", "key" and "days" since the row before it of the same __PARTY__."""
    dated = [row for row in rows if row["__WHEN__"] is not None and row["__PARTY__"] is not None]
    dated.sort(key=lambda row: (row["__PARTY__"], row["__WHEN__"], row["__KEY__"]))
    last = {}
    result = []
    for row in dated:
        name, day = row["__PARTY__"], row["__WHEN__"]
        days = between(last[name], day) if name in last else None
        last[name] = day
        result.append({"party": name, "key": row["__KEY__"], "days": days})
    return result
