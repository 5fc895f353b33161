def number(text):
    return None if text in (None, "") else Decimal(str(text).replace(",", ""))
