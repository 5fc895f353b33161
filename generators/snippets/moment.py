def moment(text):
    return datetime.fromisoformat(str(text)) if text else None
