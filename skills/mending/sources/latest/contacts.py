"""When every __PARTY__ last occurred, and how often."""


def latest(rows):
    """One entry for each __PARTY__ with "party", "latest" and "times", the newest first."""
    last = {}
    times = {}
    for row in rows:
        name, day = row["__PARTY__"], row["__WHEN__"]
        if name is None or day is None:
            continue
        times[name] = times.get(name, 0) + 1
        if name not in last or day > last[name]:
            last[name] = day
    newest = sorted(last)
    newest.sort(key=lambda name: last[name], reverse=True)
    return [{"party": name, "latest": last[name], "times": times[name]} for name in newest]
