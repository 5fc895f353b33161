def read_ics(path, names):
    text = open(path, encoding="utf-8", newline="").read().replace("\r\n", "\n").replace("\n ", "")
    when = lambda s: datetime.strptime(s.rstrip("Z"), "%Y%m%dT%H%M%S")
    plain = lambda s: s and re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], s)
    rows = []
    for block in text.split("\nBEGIN:VEVENT\n")[1:]:
        e = dict(re.match(r'((?:"[^"]*"|[^":])*):(.*)', l).groups() for l in block.split("\nEND:VEVENT")[0].split("\n"))
        owner = next((k.split("CN=", 1)[1].strip('"') for k in e if k.startswith("ORGANIZER;CN=")), None)
        start, end = when(e["DTSTART"]), when(e["DTEND"])
        got = {"key": e["UID"], "title": plain(e["SUMMARY"]), "at": start.isoformat(timespec="minutes"), "span": int((end - start).total_seconds() // 60),
               "place": plain(e.get("LOCATION")), "group": plain(e.get("CATEGORIES")), "state": plain(e.get("X-STATE")), "party": owner}
        rows.append({name: got[role] for name, role in names.items()})
    return rows
