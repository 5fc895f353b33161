allowed = {r["group"]: r["measure"] for r in limits}
sums = {}
for r in rows:
    sums[r["group"]] = sums.get(r["group"], Decimal(0)) + (r["measure"] or Decimal(0))
result = []
for group in sorted(sums):
    total, most = sums[group], allowed.get(group)
    if most is None:
        verdict = "no limit"
    elif total > most:
        verdict = "over"
    else:
        verdict = "reached" if total == most else "within"
    result.append({"group": group, "total": total, "limit": most, "verdict": verdict})
