result = []
for r in rows:
    top, _, rest = r["path"].partition(".")
    path = f"{name}.{rest}" if top == section else r["path"]
    result.append({"path": path, "value": r["value"]})
