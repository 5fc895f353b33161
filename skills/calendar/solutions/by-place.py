minutes, events = {}, {}
for r in rows:
    minutes[r["place"]] = minutes.get(r["place"], 0) + r["span"]
    events[r["place"]] = events.get(r["place"], 0) + 1
places = sorted(minutes, key=lambda place: (-minutes[place], place))
result = [{"place": place, "minutes": minutes[place], "events": events[place]} for place in places]
