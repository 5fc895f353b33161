result = [r for r in rows if r["when"] is not None and start <= r["when"] <= finish]
