result = []
for row in rows:
    if row["when"] is not None and row["when"] >= day:
        result.append(row)
