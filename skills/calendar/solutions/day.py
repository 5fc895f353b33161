result = []
for r in rows:
    if r["at"].date() == day:
        result.append(r)
