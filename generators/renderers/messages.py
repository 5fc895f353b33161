"""Relations as mails (mbox, a folder of .eml) and calendars (iCalendar, RFC 5545)."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

from generators.relations import Relation, Row, Value

_WORDS = r"(?!.*=\?)[!-~]+( [!-~]+)*"
EASY = {
    "key": re.compile(r"[A-Za-z0-9-]{1,30}"),
    "party": re.compile(r"(?=.{1,25}$)[A-Za-z]+( [A-Za-z]+)*"),
    "title": re.compile(rf"(?=.{{1,60}}$){_WORDS}"),
    "state": re.compile(r"(?=.{1,40}$)[A-Za-z0-9-]+( [A-Za-z0-9-]+)*"),
    "group": re.compile(r"(?=.{1,40}$)[A-Za-z0-9-]+( [A-Za-z0-9-]+)*"),
    "text": re.compile(rf"(?=.{{1,76}}$)(?!>?From ){_WORDS}"),
}


def by_role(row: Row, relation: Relation) -> dict[str, Value]:
    """A row's values under their roles; the first column of a role wins."""
    values: dict[str, Value] = {}
    for column, value in zip(relation.columns, row, strict=True):
        values.setdefault(column.role, value)
    return values


def mail(values: dict[str, Value]) -> EmailMessage:
    """A mail: key = Message-ID, party = From, title = Subject, at = Date, text = body, state = X-Status, group = X-Folder."""
    at = values["at"]
    if not isinstance(at, datetime):
        raise ValueError("a message needs a time")
    message = EmailMessage()
    message["Message-ID"] = f"<{values['key']}@mail.example.org>"
    message["From"] = formataddr((str(values["party"]), address(str(values["party"]))))
    message["To"] = "me@example.org"
    message["Subject"] = str(values["title"])
    message["Date"] = format_datetime(at)
    if values.get("state") is not None:
        message["X-Status"] = str(values["state"])
    if values.get("group") is not None:
        message["X-Folder"] = str(values["group"])
    message.set_content(str(values.get("text") or "") + "\n")
    return message


def mail_bytes(values: dict[str, Value]) -> bytes:
    """The same as `mail` gives; where nothing has to be encoded, quoted or folded, without the library, which takes ten times as long."""
    at = values["at"]
    if not easy(values) or not isinstance(at, datetime):
        return mail(values).as_bytes()
    fields = {
        "Message-ID": f"<{values['key']}@mail.example.org>",
        "From": f"{values['party']} <{address(str(values['party']))}>",
        "To": "me@example.org",
        "Subject": values["title"],
        "Date": format_datetime(at),
        "X-Status": values.get("state"),
        "X-Folder": values.get("group"),
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "7bit",
        "MIME-Version": "1.0",
    }
    head = "".join(f"{name}: {value}\n" for name, value in fields.items() if value is not None)
    return f"{head}\n{values.get('text') or ''}\n".encode()


def easy(values: dict[str, Value]) -> bool:
    """Whether a mail's values are plain words and short lines, which the format holds as they are."""
    return all(values.get(role) is None or pattern.fullmatch(str(values[role])) for role, pattern in EASY.items())


def mbox(relation: Relation) -> bytes:
    """All mails in one file, by their time."""
    parts = []
    for row in sorted(relation.rows, key=lambda r: str(by_role(r, relation).get("at"))):
        values = by_role(row, relation)
        text = mail_bytes(values).replace(b"\nFrom ", b"\n>From ")
        parts.append(f"From {address(str(values['party']))} {asctime(values['at'])}\n".encode() + text + b"\n")
    return b"".join(parts)


def asctime(at: Value) -> str:
    """A moment as the line before a mail in an mbox has it, whatever the locale."""
    return at.ctime() if isinstance(at, datetime) else ""


def eml(relation: Relation) -> dict[str, bytes]:
    """Each mail as a file, by name: `<key>.eml`."""
    found = (by_role(row, relation) for row in relation.rows)
    return {f"{values['key']}.eml": mail_bytes(values) for values in found}


def address(name: str) -> str:
    """A made-up address for a name, on a reserved domain."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return (re.sub(r"[^a-z0-9]+", ".", plain).strip(".") or "someone") + "@example.org"


def ics(relation: Relation, eol: str = "\r\n", utc: bool = False) -> bytes:
    """A calendar by roles: key UID, title SUMMARY, at DTSTART, span the length, place LOCATION, party ORGANIZER, group CATEGORIES."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//household//calendar//EN"]
    for row in relation.rows:
        values = by_role(row, relation)
        start, span = values["at"], values["span"]
        if not isinstance(start, datetime) or not isinstance(span, int):
            raise ValueError("an event needs a start and a length")
        end = start + timedelta(minutes=span)
        mark = "Z" if utc else ""
        lines += [
            "BEGIN:VEVENT",
            f"UID:{values.get('key') or start.isoformat()}",
            f"DTSTART:{start:%Y%m%dT%H%M%S}{mark}",
            f"DTEND:{end:%Y%m%dT%H%M%S}{mark}",
        ]
        lines.append("SUMMARY:" + escape(str(values.get("title") or "")))
        for role, name in (("place", "LOCATION"), ("group", "CATEGORIES"), ("state", "X-STATE")):
            if values.get(role) is not None:
                lines.append(f"{name}:" + escape(str(values[role])))
        if values.get("party") is not None:
            lines.append(f"ORGANIZER;CN={param(str(values['party']))}:mailto:{address(str(values['party']))}")
        lines.append("END:VEVENT")
    lines.append("END:VCALENDAR")
    return "".join(fold(line, eol) + eol for line in lines).encode()


def escape(text: str) -> str:
    """TEXT escaping of RFC 5545, section 3.3.11."""
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def param(text: str) -> str:
    """A parameter's value, quoted where it holds what ends one (RFC 5545, section 3.1)."""
    return f'"{text}"' if re.search(r"[:;,]", text) else text


def fold(line: str, eol: str) -> str:
    """Content lines of more than 75 octets go on after a blank (RFC 5545, section 3.1)."""
    if len(line.encode()) <= 74:
        return line
    parts, current = [], ""
    for character in line:
        if len((current + character).encode()) > 74:
            parts.append(current)
            current = ""
        current += character
    return f"{eol} ".join([*parts, current])
