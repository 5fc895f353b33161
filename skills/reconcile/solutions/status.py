ours = {r["key"]: r["measure"] for r in rows}
theirs = {r["key"]: r["measure"] for r in other}
result = []
for key in sorted(set(ours) | set(theirs)):
    if key not in theirs:
        outcome = "only here"
    elif key not in ours:
        outcome = "only there"
    else:
        outcome = "same" if ours[key] == theirs[key] else "differs"
    result.append({"key": key, "outcome": outcome})
