ranked = [r for r in rows if r["state"] == val and r["measure"] is not None]
ranked.sort(key=lambda r: (-r["measure"], r["key"]))
result = ranked[:n]
