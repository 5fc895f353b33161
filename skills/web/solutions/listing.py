result = [{"key": r["key"], "party": r["party"], "measure": r["measure"]} for r in sorted(rows, key=lambda r: r["key"])]
