first = {}
for r in sorted((r for r in rows if r["measure"] is not None), key=lambda r: (-r["measure"], r["key"])):
    first.setdefault(r["group"], r)
result = list(first.values())
