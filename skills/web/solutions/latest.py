newest = {}
for r in rows:
    if r["when"] is None:
        continue
    best = newest.get(r["group"])
    if best is None or (r["when"], r["key"]) > (best["when"], best["key"]):
        newest[r["group"]] = r
result = sorted(newest.values(), key=lambda r: (r["when"], r["key"]), reverse=True)
