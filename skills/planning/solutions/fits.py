taken = [(r["key"], r["at"], r["at"] + timedelta(minutes=r["span"])) for r in rows]
result = []
for wish in other:
    start, stop = wish["at"], wish["at"] + timedelta(minutes=wish["span"])
    if not any(key != wish["key"] and begin < stop and start < end for key, begin, end in taken):
        result.append({"key": wish["key"], "title": wish["title"], "at": start, "span": wish["span"]})
