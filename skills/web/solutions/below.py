result = []
for r in rows:
    if r["state"] == val and r["measure"] is not None and r["measure"] < top:
        result.append(r)
result.sort(key=lambda r: (r["measure"], r["key"]))
