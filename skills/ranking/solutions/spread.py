figures = {}
for r in rows:
    if r["measure"] is not None:
        figures.setdefault(r["group"], []).append(r["measure"])
result = [{"group": g, "lowest": min(f), "highest": max(f), "entries": len(f)} for g, f in sorted(figures.items())]
