allowed = {r["group"]: r["measure"] for r in limits}
sums, passed = {}, {}
for r in sorted((r for r in rows if r["when"] is not None), key=lambda r: (r["when"], r["key"])):
    group = r["group"]
    sums[group] = sums.get(group, Decimal(0)) + (r["measure"] or Decimal(0))
    if group in allowed and group not in passed and sums[group] > allowed[group]:
        passed[group] = {"key": r["key"], "when": r["when"], "group": group, "so_far": sums[group], "limit": allowed[group]}
result = list(passed.values())
