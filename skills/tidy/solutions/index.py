result = sorted(rows, key=lambda r: (r["when"], r["key"]))
