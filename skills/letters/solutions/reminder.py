theirs = [r for r in rows if r["party"] == who and r["state"] == val]
total = sum((r["measure"] or Decimal(0) for r in theirs), Decimal(0))
oldest = min((r["when"] for r in theirs if r["when"] is not None), default=None)
result = [{"items": len(theirs), "total": total if theirs else None, "oldest": oldest}]
