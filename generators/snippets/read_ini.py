def typed(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def read_ini(path):
    ini = configparser.ConfigParser(interpolation=None, delimiters="=", comment_prefixes="#")
    ini.optionxform = str
    ini.read(path, encoding="utf-8")
    return [{"path": f"{s}.{k}", "value": json.dumps(typed(v), ensure_ascii=False)} for s in ini.sections() for k, v in ini[s].items()]
