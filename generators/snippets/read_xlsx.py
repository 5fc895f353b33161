def read_xlsx(path):
    day_only = lambda c: isinstance(c.value, datetime) and "h" not in c.number_format
    sheet = openpyxl.load_workbook(path).active
    names, *rows = [[c.value.date() if day_only(c) else c.value for c in row] for row in sheet.iter_rows()]
    return [dict(zip(names, row)) for row in rows]
