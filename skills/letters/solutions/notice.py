ahead = sorted((r for r in rows if r["when"] is not None and r["when"] >= day), key=lambda r: (r["when"], r["key"]))
result = [{"next_day": ahead[0]["when"], "kind": ahead[0]["group"], "remaining": len(ahead)}]
