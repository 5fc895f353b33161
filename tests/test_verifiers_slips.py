"""Slips: each kind of artifact gets wrong answers that differ in one place, and none that is right; and stubs that are empty."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from typing import Any

import checking
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.records import Check
from verifiers import pieces, slips
from verifiers.kinds import calendar, tree

ROWS = [["Aldi", "4.75", "2026-02-28"], ["Lidl, north", "2.00", "2026-03-01"], ["Aldi", "4.75", "2026-02-28"]]
COLUMNS = [
    {"name": "payee", "type": "text"},
    {"name": "total", "type": "number", "decimals": 2},
    {"name": "on", "type": "date"},
]
NAMES = [str(c["name"]) for c in COLUMNS]
OBJECTS = [{"payee": a, "total": float(b), "on": c} for a, b, c in ROWS]


def delimited(delimiter: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows([NAMES, *ROWS])
    return out.getvalue()


WRITTEN = {
    "csv": delimited(","),
    "tsv": delimited("\t"),
    "md": "# Sums\n\n| payee | total | on |\n|---|---|---|\n" + "".join(f"| {' | '.join(r)} |\n" for r in ROWS) + "\nThat is all.\n",
    "json": json.dumps(OBJECTS, indent=1),
    "jsonl": "".join(json.dumps(o) + "\n" for o in OBJECTS),
    "yaml": "".join(f'- payee: "{a}"\n  total: {b}\n  on: {c}\n' for a, b, c in ROWS),
}
CALENDAR = "\r\n".join(
    [
        "BEGIN:VCALENDAR",
        *(f"BEGIN:VEVENT\r\nUID:{n}\r\nDTSTART:202603{n}T090000\r\nDTEND:202603{n}T100000\r\nSUMMARY:Tea\r\nEND:VEVENT" for n in (10, 31)),
        "END:VCALENDAR",
        "",
    ]
)
MESSAGE = "Dear Ada,\n\nTotal: 12.50\nDay: 2026-12-31\n\nThank you.\n"
FACTS = [{"label": "Total", "value": "12.50", "type": "number", "decimals": 2}, {"label": "Day", "value": "2026-12-31", "type": "date"}]
TREES = {
    "yaml": "server:\n  port: 8080\n  host: \"a.example.org\"\nmode: 'on'\n",
    "json": '{\n  "server": {\n    "port": 8080,\n    "host": "a.example.org"\n  },\n  "mode": "on"\n}\n',
    "toml": 'mode = "on"\n\n[server]\nport = 8080\nhost = "a.example.org"\n',
    "ini": "[server]\nport = 8080\nhost = a.example.org\n",
}


def table(form: str) -> dict[str, Any]:
    return {"path": "out", "format": form, "columns": COLUMNS, "rows": ROWS, "ordered": False, "iso_dates": True}


def made(kind: str, params: dict[str, Any], right: str, seed: int) -> dict[str, bytes]:
    return dict(slips.slips(Check("c", kind, params, 1.0, ""), right.encode(), seed))


def score(kind: str, params: dict[str, Any], data: bytes) -> float:
    return checking.check(kind, params, {}, {"out": data})


@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize("seed", range(7))
def test_each_slip_of_a_table_is_read_and_is_wrong_in_one_row(form: str, seed: int) -> None:
    params = table(form)
    assert score("table", params, WRITTEN[form].encode()) == 1
    found = made("table", params, WRITTEN[form], seed)
    assert set(found) == {"value-off", "row-missing", "row-doubled"}
    shares = {"value-off": 2 / 3, "row-missing": 2 / 3, "row-doubled": 3 / 4}
    assert {k: score("table", params, data) for k, data in found.items()} == pytest.approx({k: s / 2 for k, s in shares.items()})


@pytest.mark.parametrize("seed", range(3))
def test_slips_of_a_calendar_are_events_a_day_late_missing_and_too_many(seed: int) -> None:
    right = Counter(calendar.read(CALENDAR.encode()))
    found = {k: Counter(calendar.read(data)) for k, data in made("calendar", {}, CALENDAR, seed).items()}
    assert {k: (len(got - right), len(right - got)) for k, got in found.items()} == {
        "value-off": (1, 1),
        "row-missing": (0, 1),
        "row-doubled": (1, 0),
    }
    assert all(event[2] == 60 for got in found.values() for event in got)


@pytest.mark.parametrize("seed", range(3))
def test_slips_of_a_message_leave_the_other_fact_as_it_is(seed: int) -> None:
    params = {"path": "out", "facts": FACTS, "greeting": "Ada", "max_words": None}
    assert score("message", params, MESSAGE.encode()) == 1
    found = made("message", params, MESSAGE, seed)
    assert set(found) == {"value-off", "row-missing"}
    assert all(score("message", params, data) == 0.25 for data in found.values())


def test_a_message_with_every_number_says_none() -> None:
    params = {"path": "out", "facts": FACTS, "greeting": "Ada", "max_words": None}
    listed = slips.numbered(params, MESSAGE.encode(), ["1", "12.50", "99"])
    assert listed is not None and b"Total: 1, 12.50, 99\n" in listed
    assert score("message", params, listed) < 1
    assert slips.numbered(params | {"facts": FACTS[1:]}, MESSAGE.encode(), ["1"]) is None


@pytest.mark.parametrize("form", TREES)
@pytest.mark.parametrize("seed", range(4))
def test_slips_of_a_tree_differ_in_one_leaf(form: str, seed: int) -> None:
    right = tree.read(TREES[form].encode(), form)
    found = {k: tree.read(data, form) for k, data in made("tree", {"format": form}, TREES[form], seed).items()}
    off, missing = found["value-off"], found["row-missing"]
    assert off.keys() == right.keys() and sum(off[leaf] != right[leaf] for leaf in right) == 1
    assert len(right.keys() - missing.keys()) == 1


@pytest.mark.parametrize(
    ("text", "kind", "result"),
    [
        ("12.50", "number", "12.51"),
        ("-0.1", "number", "0.0"),
        ("9", "integer", "10"),
        ("12 kg", "number", "13 kg"),
        ("2026-02-28", "date", "2026-03-01"),
        ("2026-12-31T23:59", "timestamp", "2027-01-01T23:59"),
        ("", "number", None),
        ("Aldi", "text", None),
    ],
)
def test_off_by_a_little(text: str, kind: str, result: str | None) -> None:
    assert slips.off(text, kind) == result


@given(
    st.lists(
        st.tuples(*[st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r"), max_size=8)] * 2), min_size=1, max_size=5
    )
)
def test_cutting_loses_nothing(rows: list[tuple[str, str]]) -> None:
    """Whatever stands in the cells, the pieces put together again are the same rows."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([("a", "b"), *rows])
    for form, text in (("csv", out.getvalue()), ("json", json.dumps([dict(zip("ab", r, strict=True)) for r in rows]))):
        cut = pieces.cut(form, text.encode())
        assert cut is not None and len(cut.rows) == len(rows)
        again = cut.joined(cut.rows).decode()
        if form == "csv":
            assert again == text
        else:
            assert json.loads(again) == json.loads(text)


@pytest.mark.parametrize("form", WRITTEN)
def test_a_stub_of_a_table_earns_nothing(form: str) -> None:
    check = Check("c", "table", table(form), 1.0, "")
    stub = slips.stub(check, WRITTEN[form].encode())
    assert all(name.encode() in stub for name in NAMES)
    assert score("table", table(form), stub) == 0


def test_other_stubs_have_the_form_and_nothing_in_it() -> None:
    message = Check("c", "message", {"facts": FACTS}, 1.0, "")
    assert slips.stub(message, MESSAGE.encode()) == b"Dear Ada,\n\nTotal:\nDay:\n"
    assert calendar.read(slips.stub(Check("c", "calendar", {}, 1.0, ""), CALENDAR.encode())) == []
    for form in ("yaml", "json"):
        params = {"format": form, "leaves": {"server.port": 1, "mode": "on"}}
        assert tree.read(slips.stub(Check("c", "tree", params, 1.0, ""), b""), form) == {("server",): None, ("mode",): None}
