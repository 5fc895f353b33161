result = []
for r in rows:
    ending = os.path.splitext(r["path"])[1]
    result.append({"path": r["path"], "to": f"{r['when']:%Y-%m-%d}_{r['group']}_{r['key']}{ending}"})
