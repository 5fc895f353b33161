group_of = {p["id"]: p["group"] for p in parents}
sums, counts = {}, {}
for r in rows:
    if r["ref"] not in group_of or r["measure"] is None:
        continue
    group = group_of[r["ref"]]
    sums[group] = sums.get(group, 0) + r["measure"]
    counts[group] = counts.get(group, 0) + 1
result = [{"group": g, "total": sums[g], "entries": counts[g]} for g in sorted(sums, key=lambda g: (-sums[g], g))]
