def write_ics(path, events):
    escape = lambda s: re.sub(r"([\\;,])", r"\\\1", str(s))
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//desk//calendar//EN"]
    for e in events:
        end = e["at"] + timedelta(minutes=e["span"])
        lines += ["BEGIN:VEVENT", f"UID:{e.get('key') or e['at'].isoformat()}", f"DTSTART:{e['at']:%Y%m%dT%H%M%S}",
                  f"DTEND:{end:%Y%m%dT%H%M%S}", "SUMMARY:" + escape(e["title"])]
        lines += ["LOCATION:" + escape(e["place"])] if e.get("place") else []
        lines.append("END:VEVENT")
    open(path, "w", encoding="utf-8", newline="").write("\r\n".join([*lines, "END:VCALENDAR", ""]))
