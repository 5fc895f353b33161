groups = {}
for r in rows:
    groups.setdefault(r["group"], []).append(r["key"])
result = [{"group": g, "lowest": min(keys), "highest": max(keys), "entries": len(keys)} for g, keys in sorted(groups.items())]
