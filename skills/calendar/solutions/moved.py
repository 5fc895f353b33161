result = []
for r in rows:
    at = r["at"] + timedelta(minutes=n) if r["group"] == who else r["at"]
    result.append({**r, "at": at})
