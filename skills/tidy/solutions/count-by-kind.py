days = {}
for r in rows:
    days.setdefault(r["group"], []).append(r["when"])
result = [{"group": g, "files": len(d), "oldest": min(d), "newest": max(d)} for g, d in days.items()]
result.sort(key=lambda r: (-r["files"], r["group"]))
