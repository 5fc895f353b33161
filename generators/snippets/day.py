def day(text):
    return date.fromisoformat(str(text)[:10]) if text else None
