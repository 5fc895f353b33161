"""Values as people write them, read into one canonical form: numbers with thousands or a unit, dates in several writings."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from typing import Any

LONGEST = 60  # characters of a number or a date; with the exponent's bound it keeps arithmetic and patterns cheap on hostile text
LONGEST_COMPOSED = 2000  # characters; composing a long run of combining marks takes quadratic time
KNOWN = 1 << 12  # cells of a kind that are remembered
NOISE_PLACES = 6  # beyond the declared decimals: what binary floats get wrong lies further right
TRUTHS = ("true", "false")  # how a program's language spells them (True, TRUE) is no part of the answer
_CONTEXT = Context(prec=160)

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_YEAR_FIRST = re.compile(r"(?P<year>[0-9]{4})(?P<sign>[-/.])(?P<month>[0-9]{1,2})(?P=sign)(?P<day>[0-9]{1,2})")
_DAY_FIRST = re.compile(r"(?P<day>[0-9]{1,2})(?P<sign>[-/.])(?P<month>[0-9]{1,2})(?P=sign)(?P<year>[0-9]{4})")
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
_DAY_MONTH = re.compile(_WEEKDAY + r"([0-9]{1,2})(?:st|nd|rd|th|\.)?[\s-]+(?:of\s+)?([a-z]{3,9})\.?,?[\s-]+([0-9]{4})")
_MONTH_DAY = re.compile(_WEEKDAY + r"([a-z]{3,9})\.?\s+([0-9]{1,2})(?:st|nd|rd|th)?,?\s+([0-9]{4})")
_CLOCK = re.compile(r"(.+?)(T|,?\s+)([0-9]{1,2}):([0-9]{2})(?::00(?:\.0+)?)?(?:\s?([ap])\.?m\.?)?", re.IGNORECASE)
_NAMES = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_MONTHS = {written: n for n, name in enumerate(_NAMES, 1) for written in (name, name[:3])} | {"sept": 9}


@dataclass(frozen=True)
class Kind:
    """What a value should be: text | integer | number | date | timestamp, with decimals and a unit for numbers."""

    type: str
    decimals: int = 0
    unit: str = ""
    iso: bool = False


@dataclass(frozen=True)
class Unlike:
    """A value that is not of its type; equal to no value that is."""

    text: str


def kind_of(spec: dict[str, Any], iso: bool = False) -> Kind:
    """The Kind that a column or a fact in a check's params names."""
    return Kind(spec["type"], spec.get("decimals") or 0, spec.get("unit") or "", iso)


def value(written: str | None, kind: Kind) -> Hashable:
    """The canonical form of a cell: None for a blank, Unlike for what is not of the type. Equal forms mean equal values."""
    return values((written,), kind)[0]


def values(written: Iterable[str | None], kind: Kind) -> list[Hashable]:
    """The canonical forms of a column's cells, as `value` gives them."""
    return list(map(_known(kind).__getitem__, written))


class _Known(dict[str | None, Hashable]):
    """Canonical forms by text, for one kind: the wrong answers to one task share most of their cells."""

    def __init__(self, kind: Kind):
        super().__init__()
        self._kind = kind

    def __missing__(self, written: str | None) -> Hashable:
        read = _value(written, self._kind) if written else None
        if written is None or len(written) <= LONGEST:
            if len(self) >= KNOWN:
                self.clear()
            self[written] = read
        return read


@functools.lru_cache(256)
def _known(kind: Kind) -> _Known:
    return _Known(kind)


def _value(written: str, kind: Kind) -> Hashable:
    written = plain(written)
    if not written:
        return None
    read: Hashable | None
    if kind.type == "text":
        read = written.lower() if written.lower() in TRUTHS else written
    elif kind.type in ("integer", "number"):
        got = number(written, kind.unit)
        read = None if got is None else settled(got, kind.decimals)
    elif kind.type == "date":
        read = day(written, kind.iso)
    else:
        read = moment(written, kind.iso)
    return Unlike(written) if read is None else read


def plain(text: str) -> str:
    """Text as it compares: composed Unicode, one kind of line end, no blanks around it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return unicodedata.normalize("NFC", text) if len(text) <= LONGEST_COMPOSED else text


def number(text: str, unit: str = "") -> Decimal | None:
    """A decimal number, maybe with thousands commas and the declared unit behind or before it; None for anything else."""
    text = _without_unit(text.strip(), unit).replace("\u2212", "-")  # the minus sign of a typesetter
    if len(text) > LONGEST or not _NUMBER.fullmatch(text):
        return None
    return Decimal(text.replace(",", ""))


def _without_unit(text: str, unit: str) -> str:
    if unit and text.casefold().endswith(unit.casefold()):
        return text[: -len(unit)].rstrip()
    if unit and text.casefold().startswith(unit.casefold()):
        return text[len(unit) :].lstrip()
    return text


def settled(got: Decimal, decimals: int = 0) -> Decimal:
    """The number without the noise of binary floats, in one form: 12.5, 12.50 and 12.500000000000002 are equal."""
    return got.quantize(Decimal(1).scaleb(-(decimals + NOISE_PLACES)), context=_CONTEXT).normalize(_CONTEXT) + 0


def day(text: str, iso: bool = False) -> str | None:
    """A date as YYYY-MM-DD, from ISO or (unless `iso`) from the other usual writings; 03/04/2026 is the third of April."""
    if len(text) > LONGEST:
        return None
    found = _ISO_DAY.fullmatch(text)
    if found or iso:
        return _checked(*found.groups()) if found else None
    text = re.sub(r"[T ]0?0:00(?::00(?:\.0+)?)?$", "", text).casefold()
    if found := _YEAR_FIRST.fullmatch(text) or _DAY_FIRST.fullmatch(text):
        return _checked(found["year"], found["month"], found["day"])
    if found := _DAY_MONTH.fullmatch(text):
        return _checked(found[3], found[2], found[1])
    found = _MONTH_DAY.fullmatch(text)
    return _checked(found[3], found[1], found[2]) if found else None


def moment(text: str, iso: bool = False) -> str | None:
    """A time of a day as YYYY-MM-DDTHH:MM, from `2026-03-09T14:05`, with a blank, with seconds of :00; the date as `day` reads it.

    Unless `iso`, the clock may have twelve hours: 2:05 pm.
    """
    found = _CLOCK.fullmatch(text) if len(text) <= LONGEST else None
    if found is None or (iso and (found[5] or found[2] not in ("T", " "))):
        return None
    on = day(found[1], iso)
    hour, minute = int(found[3]), int(found[4])
    if found[5]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found[5] in "pP" else 0)
    if on is None or hour > 23 or minute > 59 or (iso and len(found[3]) != 2):
        return None
    return f"{on}T{hour:02}:{minute:02}"


def _checked(year: str, month: str, of_month: str) -> str | None:
    """The date, or None where there is no such day; the month as a number or a name."""
    try:
        return date(int(year), int(month) if month.isdigit() else _MONTHS[month], int(of_month)).isoformat()
    except (ValueError, KeyError):
        return None


def shown(text: object) -> str:
    """A value in a reason: short, on one line."""
    written = repr(text)
    return written if len(written) <= 60 else written[:57] + "..."
