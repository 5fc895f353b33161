def read_xml(path, names):
    rows = [{e.tag: e.text or "" for e in row} for row in xml.etree.ElementTree.parse(path).getroot()]
    return [{name: row.get(name) for name in names} for row in rows]
