waiting = {}
for r in rows:
    if r["state"] == val and r["when"] is not None:
        waiting.setdefault(r["party"], []).append(r)
result = []
for name, theirs in waiting.items():
    total = sum((r["measure"] or Decimal(0) for r in theirs), Decimal(0))
    result.append({"party": name, "items": len(theirs), "oldest": min(r["when"] for r in theirs), "total": total})
result.sort(key=lambda line: (line["oldest"], line["party"]))
