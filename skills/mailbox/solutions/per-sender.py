counts, latest = {}, {}
for r in rows:
    name = r["party"]
    counts[name] = counts.get(name, 0) + 1
    latest[name] = max(r["at"], latest.get(name, r["at"]))
names = sorted(counts, key=lambda name: (-counts[name], name))
result = [{"party": name, "messages": counts[name], "latest": latest[name]} for name in names]
