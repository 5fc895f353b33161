allowed = {r["group"]: r["measure"] for r in limits}
result = []
for r in rows:
    most = allowed.get(r["group"])
    if most is not None and r["measure"] is not None and r["measure"] * n > most:
        result.append({"key": r["key"], "group": r["group"], "measure": r["measure"], "limit": most})
