def day_first(text):
    return datetime.strptime(text, "%d/%m/%Y").date() if text else None
