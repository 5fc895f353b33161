def toml_lines(tree, prefix=""):
    plain = {k: v for k, v in tree.items() if not isinstance(v, dict)}
    if prefix and plain:
        yield f"[{prefix}]"
    for key, value in plain.items():
        yield f"{key} = {json.dumps(value, ensure_ascii=False)}"
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from toml_lines(value, f"{prefix}.{key}" if prefix else key)
