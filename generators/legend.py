"""What a file does not say of itself: which headers, properties or fields of a line its columns are; the types of an ini."""

from __future__ import annotations

from collections.abc import Collection

from generators.relations import Column, Relation
from generators.renderers import FOLDERS, SITE
from generators.renderers.lines import FIELD
from generators.scripts import Source
from generators.words import joined

HEADERS = {
    "key": "the Message-ID up to the @",
    "party": "the name in From",
    "title": "the Subject",
    "at": "the Date",
    "text": "the body",
    "state": "X-Status",
    "group": "X-Folder",
}
PROPERTIES = {
    "key": "the UID",
    "party": "the ORGANIZER's name",
    "title": "the SUMMARY",
    "at": "the start",
    "span": "the minutes it lasts",
    "place": "the LOCATION",
    "state": "X-STATE",
    "group": "the CATEGORIES",
}
KNOWN = {"mbox": HEADERS, "eml": HEADERS, "ics": PROPERTIES}
PATTERNED = ("log", "minutes")
NAMELESS = (*KNOWN, *PATTERNED, "files", SITE)  # formats in which a reader does not see the columns' names
SAYINGS = ("In {file}, {legend}.", "For {file}: {legend}.", "Where I say it otherwise than {file} does: {legend}.", "{legend} in {file}.")
FOLDER = (
    "Each file in {file} is one message; there, {legend}.",
    "The messages lie in {file}, a file each. In them, {legend}.",
    "In the files of {file}, one for each message, {legend}.",
)
SETTINGS = (
    "In {file} a setting's full path is its section and its key with a dot between them; true, false and numbers are just that, "
    "and anything else is text, in double quotes where it could be mistaken.",
    "{file} has plain values: true, false and bare numbers keep their type, all else is text (quoted where it might be taken "
    "for one of those). The section and the key, joined by a dot, make the full path.",
    "How {file} is to be read: section, dot, key is the full path of a setting; a bare number is a number, true and false are switches, "
    "the rest is text, with double quotes around it where it would look like one of these.",
)
LINES = (
    "A line of {file} reads {legend}.",
    "The lines that count in {file} look like this: {legend}.",
    "Each entry in {file} has the form {legend}.",
    "In {file} an entry goes {legend}.",
)


def legend(relation: Relation, source: Source, wanted: Collection[str], number: int) -> str:
    """A sentence that says what the `wanted` columns are, or nothing where the file itself does; `number` chooses the saying."""
    file = f"`{source.path}/`" if source.form in FOLDERS else f"`{source.path}`"
    if source.form == "ini":
        return SETTINGS[number % len(SETTINGS)].format(file=file)
    if source.form in PATTERNED:
        pattern = FIELD.sub(lambda m: m.group(1), source.spec["line"])
        return LINES[number % len(LINES)].format(file=file, legend=f"`{pattern}`")
    known = KNOWN.get(source.form, {})
    parts = [f"`{c.name}` is {known[c.role]}" for c in relation.columns if c.role in known and c.name in wanted]
    sayings = FOLDER if source.form in FOLDERS else SAYINGS
    return sayings[number % len(sayings)].format(file=file, legend=joined(parts)) if parts else ""


def glossed(relation: Relation, form: str) -> str:
    """All columns with what each is in a file of that format, as an enumeration; nothing where the format needs no such words."""
    known = KNOWN.get(form, {})
    return joined([_gloss(c, known) for c in relation.columns]) if known else ""


def _gloss(column: Column, known: dict[str, str]) -> str:
    meaning = known.get(column.role, "").removeprefix("the ")
    return f"`{column.name}`" if meaning.lower() in ("", column.words) else f"`{column.name}` ({meaning})"
