ranked = [r for r in rows if r["measure"] is not None]
ranked.sort(key=lambda r: (r["measure"] if better_measure == "low" else -r["measure"], r["key"]))
result = ranked[:n]
