there = {r["key"]: r for r in rows}
here = {r["key"]: r for r in other}
result = []
for key in [*there, *(k for k in here if k not in there)]:
    a, b = there.get(key), here.get(key)
    if a and b and a["measure"] == b["measure"]:
        continue
    finding = "different" if a and b else "only on the site" if a else "only in the list"
    site, listed = a and a["measure"], b and b["measure"]
    result.append({"key": key, "group": (a or b)["group"], "site": site, "list": listed, "finding": finding})
