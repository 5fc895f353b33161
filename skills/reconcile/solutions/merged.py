both = {}
for r in [*rows, *other]:
    if r["key"] not in both:
        both[r["key"]] = {"key": r["key"], "group": r["group"], "measure": r["measure"]}
result = list(both.values())
