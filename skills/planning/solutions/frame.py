days = {}
for r in rows:
    days.setdefault(r["at"].date(), []).append((r["at"], r["at"] + timedelta(minutes=r["span"])))
result = []
for d in sorted(days):
    opens = min(start for start, _ in days[d])
    closes = max(stop for _, stop in days[d])
    result.append({"on_day": d, "opens": opens, "closes": closes})
