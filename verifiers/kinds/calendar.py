"""Events of an iCalendar file: title, start, length, and the place where one is expected."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from icalendar.parser import Contentline
from icalendar.prop import vDDDTypes

from verifiers import parsing, reading
from verifiers.reading import shown
from verifiers.snapshot import Unreadable, View

Event = tuple[str, str, int | None, str | None]
INEXACT = 0.5
_PROPERTY = re.compile(r"[A-Za-z0-9-]+[;:]")
_PROPERTIES = ("SUMMARY", "DTSTART", "DTEND", "DURATION", "LOCATION", "RRULE", "RDATE")


def check(params: dict[str, Any], view: View) -> tuple[float, str]:
    """1.0 for the expected events (and, with `only`, no others); else at most 0.5, by the share of events that are right."""
    path = params["path"]
    try:
        events = read(view.read(path, parsing.SLOW_BYTES))
    except Unreadable as error:
        return 0.0, f"{path}: {error}"
    wanted = [_expected(e) for e in params["events"]]
    rest = Counter(events)
    missing = []
    for event in sorted(wanted, key=lambda e: e[3] is None):  # those with a place choose first
        match = next((got for got in rest if rest[got] and _same(event, got)), None)
        if match is None:
            missing.append(event)
        else:
            rest[match] -= 1
    extra = list(rest.elements()) if params["only"] else []
    if not missing and not extra:
        return 1.0, ""
    share = INEXACT * (len(wanted) - len(missing)) / (len(wanted) + len(extra)) if view.touched(path) else 0.0
    what = (
        f"{len(missing)} of {len(wanted)} events are missing" if missing else f"{len(extra)} events too many, such as {shown(extra[0][0])}"
    )
    return share, f"{path}: {what}"


def _expected(event: dict[str, Any]) -> Event:
    place = event.get("location")
    return reading.plain(event["summary"]), event["start"], event["minutes"], reading.plain(place) if place else None


def _same(wanted: Event, got: Event) -> bool:
    return wanted[:3] == got[:3] and (wanted[3] is None or wanted[3] == got[3])


def read(data: bytes) -> list[Event]:
    """(summary, start to the minute, minutes, location) of each event; the clock time as it stands, whatever its zone.

    A repeating event and one without a time have no minutes, and equal none that is expected. Time zones and
    alarms are skipped, not interpreted. Raises Unreadable for what is no calendar, and for a line that is no property.
    """
    text = parsing.text_of(re.sub(rb"\r?\n[ \t]", b"", data))
    lines = [bare for line in re.split(r"\r\n|\r|\n", text) if (bare := line.strip(" \t"))]
    if not lines or lines[0].upper() != "BEGIN:VCALENDAR" or lines[-1].upper() != "END:VCALENDAR":
        raise Unreadable("it is not an iCalendar file")
    events: list[Event] = []
    within: list[str] = []
    current: dict[str, Any] = {}
    for line in lines:
        word, _, what = line.upper().partition(":")
        if word == "BEGIN":
            within.append(what)
            if len(within) > parsing.DEPTH:
                raise Unreadable("it is nested too deeply")
            current = {} if what == "VEVENT" else current
        elif word == "END":
            if not within or within.pop() != what:
                raise Unreadable(f"{shown(line)} ends what was not begun")
            if what == "VEVENT":
                events.append(_event(current))
        elif not within or not _PROPERTY.match(line) or ":" not in line:
            raise Unreadable(f"{shown(line)} is no property")
        elif within[-1] == "VEVENT":
            _note(current, line)
    if within:
        raise Unreadable(f"{within[-1]} has no end")
    return events


def _note(event: dict[str, Any], line: str) -> None:
    if not line.upper().startswith(_PROPERTIES):
        return
    try:
        name, _, value = Contentline(line).parts()
    except ValueError as error:
        raise Unreadable(f"{shown(line)} is no property: {error}") from None
    name = str(name).upper()
    if name in event:
        raise Unreadable(f"an event has two {name}")
    event[name] = str(value)


def _event(found: dict[str, Any]) -> Event:
    start, end, length = (_moment(found.get(name)) for name in ("DTSTART", "DTEND", "DURATION"))
    minutes = None
    if isinstance(start, datetime) and not found.keys() & {"RRULE", "RDATE"}:
        minutes = _minutes(start, end, length)
    at = start.strftime("%Y-%m-%dT%H:%M") if isinstance(start, datetime) and not start.second else str(start)
    place = reading.plain(found.get("LOCATION", ""))
    return reading.plain(found.get("SUMMARY", "")), at, minutes, place or None


def _minutes(start: datetime, end: Any, length: Any) -> int | None:
    span = end.replace(tzinfo=None) - start.replace(tzinfo=None) if isinstance(end, datetime) else length
    if not isinstance(span, timedelta) or span.total_seconds() % 60:
        return None
    return int(span.total_seconds() // 60)


def _moment(value: str | None) -> Any:
    if value is None:
        return None
    try:
        return vDDDTypes.from_ical(value[: reading.LONGEST])
    except (ValueError, OverflowError) as error:
        raise Unreadable(f"{shown(value)} is no time: {error}") from None
