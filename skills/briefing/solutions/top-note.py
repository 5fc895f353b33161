known = [r for r in rows if r["measure"] is not None]
highest = max(r["measure"] for r in known)
result = [{"name": min(r["label"] for r in known if r["measure"] == highest), "figure": highest}]
