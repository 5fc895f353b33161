def nest(rows):
    tree = {}
    for row in rows:
        *parents, leaf = row["path"].split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = json.loads(row["value"])
    return tree
