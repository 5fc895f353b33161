total = sum((r["measure"] for r in rows if r["measure"] is not None), Decimal(0))
result = [{"entries": len(rows), "total": total}]
