result = []
for r in rows:
    old = r["when"] < day
    result.append({"path": r["path"], "to": f"archive/{r['path']}" if old else r["path"]})
