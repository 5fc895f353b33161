ours = {r["path"] for r in rows}
result = []
for r in sorted(other, key=lambda r: r["path"]):
    if r["path"] not in ours:
        value = json.loads(r["value"])
        result.append({"setting": r["path"], "value": value if isinstance(value, str) else json.dumps(value)})
