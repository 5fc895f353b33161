values = {r["path"]: r["value"] for r in rows}
for change in sorted(changes, key=lambda c: c["no"]):
    if change["path"] in values:
        values[change["path"]] = change["value"]
result = [{"path": p, "value": v} for p, v in values.items()]
