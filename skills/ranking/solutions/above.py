result = [r for r in rows if r["measure"] is not None and r["measure"] >= mark]
