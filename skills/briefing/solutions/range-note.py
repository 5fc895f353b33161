figures = [r["measure"] for r in rows if r["measure"] is not None]
result = [{"lowest": min(figures), "highest": max(figures), "difference": max(figures) - min(figures)}]
