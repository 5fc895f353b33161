items = [r for r in rows if r["state"] == val]
items.sort(key=lambda r: (r["when"] is None, r["when"] or date.max, r["party"] or "\U0010ffff", r["title"] or "\U0010ffff"))
result = [{"party": r["party"], "title": r["title"], "when": r["when"]} for r in items]
