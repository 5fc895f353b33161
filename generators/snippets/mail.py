def mail(m, names):
    got = {"key": m["Message-ID"].strip("<>").split("@")[0], "party": m["From"].addresses[0].display_name,
           "title": str(m["Subject"]), "at": m["Date"].datetime.strftime("%Y-%m-%dT%H:%M"),
           "text": m.get_content().strip() or None, "state": m["X-Status"], "group": m["X-Folder"]}
    return {name: got[role] and str(got[role]) for name, role in names.items()}
