days = [r["when"] for r in rows if r["when"] is not None]
result = [{"earliest": min(days), "latest": max(days), "entries": len(rows)}]
