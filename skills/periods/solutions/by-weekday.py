names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
days = {}
for r in rows:
    if r["when"] is not None:
        days.setdefault(r["when"].weekday(), []).append(r["measure"] or Decimal(0))
result = [{"weekday": names[d], "total": sum(days[d], Decimal(0)), "entries": len(days[d])} for d in sorted(days)]
