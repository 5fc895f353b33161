latest = {}
for r in rows:
    best = latest.get(r["party"])
    if best is None or (r["when"], r["key"]) > (best["when"], best["key"]):
        latest[r["party"]] = r
kept = {r["path"] for r in latest.values()}
result = [{"path": r["path"], "to": r["path"] if r["path"] in kept else f"old/{r['path']}"} for r in rows]
