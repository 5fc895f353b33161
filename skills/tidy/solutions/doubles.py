from collections import Counter

seen = Counter((r["party"], r["when"]) for r in rows)
result = [r for r in rows if seen[r["party"], r["when"]] > 1]
result.sort(key=lambda r: (r["party"], r["when"], r["key"]))
