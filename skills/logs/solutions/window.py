result = [r for r in rows if start <= r["at"] < finish]
