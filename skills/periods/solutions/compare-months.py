def of_month(row, day):
    return row["when"] is not None and (row["when"].year, row["when"].month) == (day.year, day.month)


sums = {}
for r in rows:
    entry = sums.setdefault(r["group"], [Decimal(0), Decimal(0)])
    if r["measure"] is None:
        continue
    for place, day in enumerate((early, late)):
        if of_month(r, day):
            entry[place] += r["measure"]
result = [{"group": g, "earlier": a, "later": b, "change": b - a} for g, (a, b) in sorted(sums.items())]
