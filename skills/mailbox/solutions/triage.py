result = []
for r in rows:
    action = "archive"
    if r["party"] == who:
        action = "by hand"
    elif r["state"] == val:
        action = "today" if r["at"] < start else "this week"
    result.append({"key": r["key"], "title": r["title"], "action": action})
