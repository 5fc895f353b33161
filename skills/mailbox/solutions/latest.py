last = {}
for r in sorted(rows, key=lambda r: (r["at"], r["key"])):
    last[r["party"]] = r
newest = sorted(last.values(), key=lambda r: (r["at"], r["key"]), reverse=True)
result = [{"party": r["party"], "title": r["title"], "at": r["at"]} for r in newest]
