names = {p["id"]: p["label"] for p in parents}
result = [{"key": r["key"], "ref": r["ref"], "label": names.get(r["ref"])} for r in rows]
