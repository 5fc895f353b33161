mine = [r for r in rows if r["group"] == who and r["at"] >= start]
mine.sort(key=lambda r: (r["at"], r["key"]))
result = mine[:n]
