known = {p["id"] for p in parents}
result = [r for r in rows if r["ref"] and r["ref"] not in known]
