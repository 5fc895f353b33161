result = []
for r in rows:
    moves = r["party"] == who and r["when"] is not None and r["when"] >= day
    result.append({**r, "party": heir} if moves else r)
