def read_md(path):
    lines = [l.strip() for l in open(path, encoding="utf-8-sig") if l.startswith("|")]
    plain = lambda c: re.sub(r"\\(.)|<br>", lambda m: m[1] or "\n", c.strip()) or None
    cells = [[plain(c) for c in re.split(r"(?<!\\)\|", l)[1:-1]] for l in lines]
    return [dict(zip(cells[0], row)) for row in cells[2:]]
