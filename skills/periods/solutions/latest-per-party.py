last = {}
for r in rows:
    if r["when"] is None:
        continue
    known = last.get(r["party"])
    if known is None or (r["when"], r["key"]) > (known["when"], known["key"]):
        last[r["party"]] = r
result = list(last.values())
