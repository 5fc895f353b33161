days = {}
for r in rows:
    days.setdefault(r["at"].date(), []).append(r["span"])
result = [{"on_day": d, "minutes": sum(spans), "events": len(spans)} for d, spans in days.items()]
result.sort(key=lambda line: (-line["minutes"], line["on_day"]))
