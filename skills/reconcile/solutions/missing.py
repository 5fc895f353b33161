known = {r["key"] for r in other}
result = [r for r in rows if r["key"] not in known]
