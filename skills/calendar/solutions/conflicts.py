result = []
events = sorted(rows, key=lambda r: (r["at"], r["key"]))
for i, a in enumerate(events):
    stop = a["at"] + timedelta(minutes=a["span"])
    for b in events[i + 1 :]:
        shared = min(stop, b["at"] + timedelta(minutes=b["span"])) - b["at"]
        if b["at"] < stop:
            result.append({"first": a["key"], "second": b["key"], "minutes": int(shared.total_seconds()) // 60})
