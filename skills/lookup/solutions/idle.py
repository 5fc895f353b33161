used = {r["ref"] for r in rows}
result = sorted((p for p in parents if p["id"] not in used), key=lambda p: p["id"])
