matching = sum(1 for r in rows if r["state"] == val)
result = [{"entries": len(rows), "matching": matching}]
