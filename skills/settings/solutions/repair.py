reference = {r["path"]: r["value"] for r in other}
result = []
for r in rows:
    spared = r["path"].split(".")[0] == section
    result.append({"path": r["path"], "value": r["value"] if spared else reference.get(r["path"], r["value"])})
