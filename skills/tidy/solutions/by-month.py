result = []
for r in rows:
    month = f"{r['when']:%Y-%m}"
    result.append({"path": r["path"], "to": f"{month}/{r['path']}"})
