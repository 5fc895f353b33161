def read_jsonl(path):
    with open(path, encoding="utf-8-sig") as f:
        return [json.loads(line, parse_float=Decimal) for line in f if line.strip()]
