first = {}
for row in sorted(rows, key=lambda r: r["key"]):
    first.setdefault(tuple(row[c] for c in same), row)
kept = {row["key"] for row in first.values()}
result = [row for row in rows if row["key"] in kept]
