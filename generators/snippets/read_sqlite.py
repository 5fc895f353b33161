def read_sqlite(path):
    db = sqlite3.connect(path)
    (table,) = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchone()
    rows = db.execute(f'SELECT * FROM "{table}"')
    names = [d[0] for d in rows.description]
    return [dict(zip(names, row)) for row in rows]
