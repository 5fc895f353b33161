dawn = datetime(day.year, day.month, day.day)
here, closing = dawn + timedelta(hours=opens), dawn + timedelta(hours=closes)
taken = sorted((r["at"], r["at"] + timedelta(minutes=r["span"])) for r in rows if r["at"] < closing)
result = []
for start, stop in [*taken, (closing, closing)]:
    minutes = int((start - here).total_seconds()) // 60
    if minutes >= n:
        result.append({"since": here, "till": start, "minutes": minutes})
    here = max(here, stop)
