sums, counts = {}, {}
for r in rows:
    if r["group"] is None or r["measure"] is None:
        continue
    sums[r["group"]] = sums.get(r["group"], Decimal(0)) + r["measure"]
    counts[r["group"]] = counts.get(r["group"], 0) + 1
order = sorted(sums, key=lambda g: (-sums[g], g))
result = [{"group": g, "total": sums[g], "entries": counts[g]} for g in order]
