load = {}
for r in rows:
    if r["group"] is not None:
        entry = load.setdefault(r["group"], {"group": r["group"], "minutes": 0, "events": 0})
        entry["minutes"] += r["span"]
        entry["events"] += 1
result = list(load.values())
