sums, counts = {}, {}
for r in rows:
    if r["when"] is None or r["measure"] is None:
        continue
    month = f"{r['when'].year:04}-{r['when'].month:02}"
    sums[month] = sums.get(month, Decimal(0)) + r["measure"]
    counts[month] = counts.get(month, 0) + 1
result = [{"month": m, "total": sums[m], "entries": counts[m]} for m in sorted(sums)]
