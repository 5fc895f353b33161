def kind(value):
    if isinstance(value, bool):
        return "switch"
    return "text" if isinstance(value, str) else "number"


result = []
for r in sorted(rows, key=lambda r: r["path"]):
    value = json.loads(r["value"])
    shown = value if isinstance(value, str) else json.dumps(value)
    result.append({"setting": r["path"], "value": shown, "kind": kind(value)})
