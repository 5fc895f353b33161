def long_day(text):
    return datetime.strptime(text, "%d %B %Y").date() if text else None
