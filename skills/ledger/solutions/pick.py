wanted = []
for row in rows:
    if row["state"] == val:
        wanted.append(row)
result = wanted
