by_key = {r["key"]: dict(r) for r in rows}
for c in sorted(changes, key=lambda c: c["no"]):
    row = by_key.get(c["key"])
    if row is None:
        continue
    if c["field"] == name_measure:
        row["measure"] = Decimal(c["value"])
    elif c["field"] == name_state:
        row["state"] = c["value"]
result = list(by_key.values())
