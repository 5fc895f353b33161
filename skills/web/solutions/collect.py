result = sorted((r for r in rows if r["state"] == val), key=lambda r: r["key"])
