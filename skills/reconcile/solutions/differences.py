theirs = {r["key"]: r["measure"] for r in other}
result = []
for r in rows:
    if r["key"] not in theirs:
        continue
    mine, its = r["measure"], theirs[r["key"]]
    if mine is not None and its is not None and mine != its:
        result.append({"key": r["key"], "ours": mine, "theirs": its})
