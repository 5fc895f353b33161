first = {}
for r in rows:
    name = r["group"]
    if name is not None and (name not in first or r["at"] < first[name]):
        first[name] = r["at"]
result = [{"group": name, "at": at} for name, at in first.items()]
