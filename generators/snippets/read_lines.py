def read_lines(path, pattern):
    found = (re.match(pattern, l.rstrip("\n")) for l in open(path, encoding="utf-8"))
    return [{k: v or None for k, v in m.groupdict().items()} for m in found if m]
