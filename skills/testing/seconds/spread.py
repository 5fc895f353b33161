"""Lowest, highest, and what lies between."""

from collections import defaultdict
from decimal import Decimal


def spread(rows):
    """See the README."""
    by_name = defaultdict(list)
    for row in rows:
        name, text = row["__GROUP__"], row["__MEASURE__"]
        if name is None or text is None:
            continue
        by_name[name].append(text)
    entries = []
    for name in sorted(by_name):
        texts = sorted(by_name[name], key=Decimal)
        if len(texts) < 2:
            continue
        first, last = texts[0], texts[-1]
        entries.append({"group": name, "lowest": first, "highest": last, "spread": str(Decimal(last) - Decimal(first))})
    entries.sort(key=lambda entry: Decimal(entry["spread"]), reverse=True)
    return entries
