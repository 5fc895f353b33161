mine = [r for r in rows if r["party"] == who]
mine.sort(key=lambda r: r["key"])
mine.sort(key=lambda r: r["at"])
result = [{"key": r["key"], "title": r["title"], "at": r["at"]} for r in mine]
