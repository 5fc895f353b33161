theirs = [r for r in rows if r["party"] == who and r["measure"] is not None]
dated = [r for r in theirs if r["when"] is not None]
last = max(dated, key=lambda r: (r["when"], r["key"])) if dated else max(theirs, key=lambda r: r["key"], default={})
result = [{"standing": last.get("state"), "latest": last.get("when"), "figure": last.get("measure")}]
