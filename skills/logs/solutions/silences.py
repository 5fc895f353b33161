result = []
before = None
for at in sorted(r["at"] for r in rows):
    minutes = 0 if before is None else int((at - before).total_seconds()) // 60
    if minutes > n:
        result.append({"since": before, "till": at, "minutes": minutes})
    before = at
