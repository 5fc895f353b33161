counts = {}
for r in rows:
    hour = r["at"].strftime("%Y-%m-%dT%H")
    counts[hour] = counts.get(hour, 0) + 1
result = [{"hour": hour, "lines": number} for hour, number in counts.items()]
