result = [r for r in rows if r["state"] == val]
