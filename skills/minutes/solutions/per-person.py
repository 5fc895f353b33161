mine = {}
for r in rows:
    if r["state"] == val:
        mine.setdefault(r["party"], []).append(r["when"])
names = sorted(mine, key=lambda name: (-len(mine[name]), name))
result = []
for name in names:
    days = [day for day in mine[name] if day is not None]
    result.append({"party": name, "items": len(mine[name]), "earliest": min(days, default=None)})
