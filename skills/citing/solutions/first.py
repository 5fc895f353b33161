ends = {}
for r in sorted(rows, key=lambda r: (r["at"], r["key"])):
    ends.setdefault(r["group"], []).append(r["key"])
result = [{"group": g, "first": keys[0], "last": keys[-1]} for g, keys in ends.items()]
