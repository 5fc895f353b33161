def read_json(path):
    with open(path, encoding="utf-8-sig") as f:
        data = json.load(f, parse_float=Decimal)
    return data if isinstance(data, list) else next(iter(data.values()))
