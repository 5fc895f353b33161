causes = [r["at"] for r in rows if r["group"] == who]
wait = timedelta(minutes=n)
result = []
for r in rows:
    if r["group"] != who and any(at <= r["at"] <= at + wait for at in causes):
        result.append(r)
