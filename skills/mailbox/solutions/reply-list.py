last = {}
for r in sorted(rows, key=lambda r: (r["at"], r["key"])):
    last[r["party"]] = r
result = [{"party": r["party"], "title": r["title"], "at": r["at"]} for r in last.values() if r["state"] == val]
