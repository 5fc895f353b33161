last = {}
for r in rows:
    if r["when"] is not None:
        last[r["party"]] = max(r["when"], last.get(r["party"], r["when"]))
names = sorted((seen, name) for name, seen in last.items() if seen < day)
result = [{"party": name, "last_day": seen} for seen, name in names]
