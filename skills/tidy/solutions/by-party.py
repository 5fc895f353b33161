result = []
for r in rows:
    folder = r["party"].lower().replace(" ", "-")
    result.append({"path": r["path"], "to": f"{folder}/{r['path']}"})
