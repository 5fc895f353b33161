"""Calendars: the events count, not how the file is written."""

from __future__ import annotations

from typing import Any

import checking
import pytest

EVENTS = [
    {"summary": "Rehearsal, altos; all", "start": "2026-03-09T18:30", "minutes": 90, "location": "Hall 2"},
    {"summary": "Call Piet", "start": "2026-03-10T09:00", "minutes": 15, "location": None},
]
PARAMS: dict[str, Any] = {"path": "o.ics", "events": EVENTS, "only": True}
ONE = "BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260309T183000\r\nDTEND:20260309T200000\r\nSUMMARY:Rehearsal\\, altos\\; all\r\nLOCATION:Hall 2\r\nEND:VEVENT\r\n"
TWO = "BEGIN:VEVENT\r\nUID:2\r\nDTSTART:20260310T090000\r\nDURATION:PT15M\r\nSUMMARY:Call Piet\r\nEND:VEVENT\r\n"


def calendar(*events: str) -> str:
    return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n" + "".join(events) + "END:VCALENDAR\r\n"


ZONE = "BEGIN:VTIMEZONE\r\nTZID:Europe/Ghent\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nRRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
ALARM = "BEGIN:VALARM\r\nDESCRIPTION:x\r\nDURATION:PT5M\r\nEND:VALARM\r\nEND:VEVENT"
GOOD = calendar(ONE, TWO)

PASSING = {
    "plain": GOOD,
    "lf": GOOD.replace("\r\n", "\n"),
    "other order": calendar(TWO, ONE),
    "folded": GOOD.replace("altos", "al\r\n tos"),
    "folded within a letter": GOOD.replace("Piet", "Pi\r\n\tet").encode(),
    "utc mark": GOOD.replace("T183000", "T183000Z").replace("T200000", "T200000Z"),
    "zone": calendar(ZONE, ONE.replace("DTSTART:", "DTSTART;TZID=Europe/Ghent:").replace("DTEND:", "DTEND;TZID=Europe/Ghent:"), TWO),
    "parameters": GOOD.replace("SUMMARY:", "SUMMARY;LANGUAGE=en:"),
    "an alarm": calendar(ONE.replace("END:VEVENT", ALARM), TWO),
    "a place that is not asked for": calendar(ONE, TWO.replace("END:", "LOCATION:phone\r\nEND:")),
    "lower case names": GOOD.replace("SUMMARY", "summary"),
}
FAILING = {
    "one missing": calendar(ONE),
    "one too many": calendar(ONE, TWO, TWO.replace("Piet", "Maud")),
    "one twice": calendar(ONE, TWO, TWO),
    "shifted": GOOD.replace("183000", "193000").replace("200000", "210000"),
    "longer": GOOD.replace("PT15M", "PT20M"),
    "another title": GOOD.replace("Piet", "Pit"),
    "another place": GOOD.replace("Hall 2", "Hall 3"),
    "no place": GOOD.replace("LOCATION:Hall 2\r\n", ""),
    "repeating": GOOD.replace("PT15M", "PT15M\r\nRRULE:FREQ=DAILY"),
    "a day": GOOD.replace("DTSTART:20260310T090000\r\nDURATION:PT15M", "DTSTART;VALUE=DATE:20260310"),
    "seconds": GOOD.replace("T090000", "T090001"),
    "no end": GOOD.replace("DURATION:PT15M\r\n", ""),
    "two starts": GOOD.replace("DTSTART", "DTSTART:20260101T000000\r\nDTSTART", 1),
    "rows": "title,start\nRehearsal,2026-03-09T18:30\n",
    "unfinished": GOOD.replace("END:VCALENDAR\r\n", ""),
    "crossed": GOOD.replace("END:VEVENT", "END:VTODO", 1),
    "bad time": GOOD.replace("20260310T090000", "soon"),
    "a line that is no property": GOOD.replace("VERSION:", "VERSION"),
    "a sign in a mark": GOOD.replace("BEGIN:VEVENT", "BEGIN:VEVENT\x1d", 1),
    "empty": "",
    "junk": bytes(range(256)),
}


@pytest.mark.parametrize("name", PASSING)
def test_right_calendars_pass(name: str) -> None:
    assert checking.check("calendar", PARAMS, {}, {"o.ics": PASSING[name]}) == 1


@pytest.mark.parametrize("name", FAILING)
def test_wrong_calendars_get_half_at_most(name: str) -> None:
    assert checking.check("calendar", PARAMS, {}, {"o.ics": FAILING[name]}) <= 0.5


def test_other_events_pass_unless_forbidden() -> None:
    assert checking.check("calendar", PARAMS | {"only": False}, {}, {"o.ics": FAILING["one too many"]}) == 1


def test_an_event_without_an_asked_place_leaves_the_one_with_it() -> None:
    events = [{"summary": "A", "start": "2026-03-10T09:00", "minutes": 15, "location": p} for p in (None, "Hall")]
    one = TWO.replace("Call Piet", "A")
    content = calendar(one.replace("END:", "LOCATION:Hall\r\nEND:"), one)
    assert checking.check("calendar", PARAMS | {"events": events}, {}, {"o.ics": content}) == 1


def test_a_calendar_left_as_it_was_earns_nothing() -> None:
    assert checking.check("calendar", PARAMS, {"o.ics": calendar(ONE)}, {}) == 0
