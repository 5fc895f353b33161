allowed = {r["group"]: r["measure"] for r in limits}
spent = {}
for r in rows:
    if r["group"] in allowed and r["measure"] is not None:
        spent[r["group"]] = spent.get(r["group"], Decimal(0)) + r["measure"]
result = []
for group, total in spent.items():
    if total > allowed[group]:
        result.append({"group": group, "total": total, "limit": allowed[group], "over": total - allowed[group]})
