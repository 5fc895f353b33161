def read_folder(folder, pattern, name):
    rows = []
    for f in sorted(os.listdir(folder)):
        text = open(os.path.join(folder, f), encoding="utf-8").read().rstrip("\n")
        found = re.match(pattern, text, re.S).groupdict()
        rows.append({**{k: v or None for k, v in found.items()}, name: f})
    return rows
