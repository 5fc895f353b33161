"""What has been typed in twice."""

from collections import defaultdict


def repeats(rows):
    """Pairs of a repeat and its first, as dictionaries."""
    lots = defaultdict(list)
    for row in rows:
        name, day = row["__GROUP__"], row["__WHEN__"]
        if name is not None and day is not None:
            lots[name, day].append(row["__KEY__"])
    pairs = []
    for keys in lots.values():
        keys.sort()
        pairs.extend((key, keys[0]) for key in keys[1:])
    return [{"key": key, "first": original} for key, original in sorted(pairs)]
