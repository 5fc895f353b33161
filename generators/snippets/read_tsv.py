def read_tsv(path):
    with open(path, encoding="utf-8-sig", newline="") as f:
        return [{k: v or None for k, v in row.items()} for row in csv.DictReader(f, delimiter="\t")]
