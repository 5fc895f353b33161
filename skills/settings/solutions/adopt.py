theirs = {r["path"]: r["value"] for r in other}
result = []
for r in rows:
    taken = r["path"].startswith(section + ".") and r["path"] in theirs
    result.append({"path": r["path"], "value": theirs[r["path"]] if taken else r["value"]})
