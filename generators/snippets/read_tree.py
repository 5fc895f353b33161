def leaves(tree, prefix=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, prefix + key + ".")
        else:
            yield {"path": prefix + key, "value": json.dumps(value, ensure_ascii=False)}
