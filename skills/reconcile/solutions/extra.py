ours = {r["key"] for r in rows}
result = [{"key": r["key"], "group": r["group"], "measure": r["measure"]} for r in other if r["key"] not in ours]
