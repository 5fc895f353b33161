last = {}
for r in sorted(rows, key=lambda r: (r["at"], r["key"])):
    last[r["group"]] = r
result = [{"group": r["group"], "state": r["state"], "at": r["at"]} for r in last.values()]
