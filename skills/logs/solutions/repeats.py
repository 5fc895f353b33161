counts = {}
for r in rows:
    if r["state"] == val:
        counts[r["group"]] = counts.get(r["group"], 0) + 1
result = [{"group": group, "lines": number} for group, number in counts.items() if number >= n]
