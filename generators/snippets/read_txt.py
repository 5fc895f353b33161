def read_txt(path, names):
    rows = []
    for block in open(path, encoding="utf-8").read().strip("\n").split("\n\n"):
        row, last = dict.fromkeys(names), None
        for line in block.split("\n"):
            if line.startswith("  "):
                row[last] += "\n" + line[2:]
            elif not line.startswith("#"):
                last, row[last] = line.split(": ", 1)
        if any(row.values()):
            rows.append(row)
    return rows
