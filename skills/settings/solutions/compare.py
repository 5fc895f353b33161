def shown(value):
    value = json.loads(value)
    return value if isinstance(value, str) else json.dumps(value)


theirs = {r["path"]: r["value"] for r in other}
result = []
for r in rows:
    its = theirs.get(r["path"])
    if its is not None and its != r["value"]:
        result.append({"setting": r["path"], "ours": shown(r["value"]), "theirs": shown(its)})
