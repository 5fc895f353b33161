result = []
for r in rows:
    falls_out = r["group"] == who and r["at"].date() >= day
    if not falls_out:
        result.append(r)
