"""Finds rows that say again what another has said."""


def repeats(rows):
    """One entry for each row that repeats another, with its "key" and the "first" that it repeats, in the order of __KEY__."""
    first = {}
    found = []
    for row in sorted(rows, key=lambda row: row["__KEY__"]):
        if row["__GROUP__"] is None or row["__WHEN__"] is None:
            continue
        alike = (row["__GROUP__"], row["__WHEN__"])
        if alike in first:
            found.append({"key": row["__KEY__"], "first": first[alike]})
        else:
            first[alike] = row["__KEY__"]
    return found
