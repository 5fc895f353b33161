allowed = {r["group"]: r["measure"] for r in limits}
sums = {}
for r in rows:
    sums[r["group"]] = sums.get(r["group"], Decimal(0)) + (r["measure"] or Decimal(0))
result = []
for group, total in sums.items():
    if group in allowed:
        covered = min(total, allowed[group])
        result.append({"group": group, "total": total, "covered": covered, "rest": total - covered})
result.sort(key=lambda r: (-r["rest"], r["group"]))
