days = [r["when"] for r in rows if r["when"] is not None]
result = [{"people": len({r["party"] for r in rows}), "earliest": min(days), "latest": max(days)}]
