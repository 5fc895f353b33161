result = [r for r in rows if r["state"] == val]
result.sort(key=lambda r: r["key"])
result.sort(key=lambda r: r["at"])
