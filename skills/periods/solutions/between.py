result = [r for r in rows if r["when"] is not None and from_day <= r["when"] <= to_day]
