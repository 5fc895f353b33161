def totals(entries):
    sums = {}
    for r in entries:
        sums[r["group"]] = sums.get(r["group"], Decimal(0)) + (r["measure"] or Decimal(0))
    return sums


first, second = totals(rows), totals(other)
result = []
for group in sorted(set(first) | set(second)):
    a, b = first.get(group, Decimal(0)), second.get(group, Decimal(0))
    if a != b:
        result.append({"group": group, "ours": a, "theirs": b, "gap": a - b})
