sums = {}
for r in rows:
    sums[r["group"]] = sums.get(r["group"], Decimal(0)) + (r["measure"] or Decimal(0))
places = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))
result = [{"group": g, "total": total} for g, total in places[:n]]
