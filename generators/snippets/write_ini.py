def ini_lines(tree, prefix=""):
    plain = {k: v for k, v in tree.items() if not isinstance(v, dict)}
    quoted = "true|false|yes|no|on|off|null|nan|infinity|[^a-z].*|.*[^a-z_-].*|"
    if plain:
        yield f"[{prefix}]"
    for key, value in plain.items():
        bare = isinstance(value, str) and not re.fullmatch(quoted, value, re.I | re.S)
        yield f"{key} = {value if bare else json.dumps(value, ensure_ascii=False)}"
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from ini_lines(value, f"{prefix}.{key}" if prefix else key)
