from collections import Counter

counts = Counter(r["group"] for r in rows if r["group"] is not None)
result = [{"group": g, "count": c} for g, c in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
