allowed = {r["group"]: r["measure"] for r in limits}
sums = {}
for r in rows:
    sums[r["group"]] = sums.get(r["group"], Decimal(0)) + (r["measure"] or Decimal(0))
kept = [(allowed[g] - total, g, total) for g, total in sums.items() if g in allowed and total <= allowed[g]]
result = [{"group": g, "total": total, "limit": allowed[g], "room": room} for room, g, total in sorted(kept)]
