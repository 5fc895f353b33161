def line_numbers(path, pattern, key):
    found = (re.match(pattern, l.rstrip("\n")) for l in open(path, encoding="utf-8"))
    return {m[key]: number for number, m in enumerate(found, 1) if m}
