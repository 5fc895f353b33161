result = []
for r in rows:
    result.append({"path": r["path"], "to": f"{r['group']}/{r['path']}"})
