def comma_number(text):
    return Decimal(text.replace(",", ".")) if text else None
