result = []
for r in rows:
    if r["state"] == val and r["when"] is not None and r["when"] < day:
        result.append({"party": r["party"], "title": r["title"], "when": r["when"]})
