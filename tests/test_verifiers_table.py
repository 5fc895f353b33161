"""Tables: any writing of the rows passes, any other rows, columns or formats fail."""

from __future__ import annotations

import json
from typing import Any

import checking
import pytest

COLUMNS = [
    {"name": "payee", "type": "text"},
    {"name": "paid", "type": "date"},
    {"name": "Amount", "type": "number", "decimals": 2, "unit": "EUR"},
    {"name": "entries", "type": "integer"},
    {"name": "seen", "type": "timestamp"},
]
ROWS = [
    ["Ørsted, Lang & Co", "2026-03-09", "1234.50", "3", "2026-03-09T14:05"],
    ['the "Tin"', "2026-04-03", "12.50", "1", None],
    ["Aldi", None, "-7.25", "2", "2026-03-01T09:00"],
]
CSV = """payee,paid,Amount,entries,seen
"Ørsted, Lang & Co",2026-03-09,1234.50,3,2026-03-09T14:05
"the ""Tin\""",2026-04-03,12.50,1,
Aldi,,-7.25,2,2026-03-01T09:00
"""
OBJECTS = [dict(zip((c["name"] for c in COLUMNS), row, strict=True)) for row in ROWS]


def score(content: bytes | str | None, form: str = "csv", ordered: bool = False, iso: bool = False, given: str | None = None) -> float:
    params = {"path": "out/a", "format": form, "columns": COLUMNS, "rows": ROWS, "ordered": ordered, "iso_dates": iso}
    return checking.check("table", params, {} if given is None else {"out/a": given}, {} if content is None else {"out/a": content})


def lines(*numbers: int) -> str:
    found = CSV.splitlines(keepends=True)
    return "".join(found[n] for n in numbers)


PASSING: dict[str, Any] = {
    "plain": CSV,
    "bom": b"\xef\xbb\xbf" + CSV.encode(),
    "crlf": CSV.replace("\n", "\r\n"),
    "trailing blank lines": CSV + "\n\n",
    "no last line end": CSV.rstrip(),
    "another row order": lines(0, 3, 1, 2),
    "upper header": CSV.replace("payee,paid", "Payee,PAID"),
    "thousands": CSV.replace("1234.50", '"1,234.50"'),
    "trimmed zeros": CSV.replace("12.50", "12.5"),
    "float noise": CSV.replace("12.50", "12.500000000000002"),
    "the unit": CSV.replace("12.50", "12.50 EUR"),
    "integer as 3.0": CSV.replace(",3,", ",3.0,"),
    "slashes": CSV.replace("2026-03-09,", "2026/03/09,"),
    "day first": CSV.replace("2026-04-03,", "03/04/2026,"),
    "dots": CSV.replace("2026-04-03,", "3.4.2026,"),
    "long date": CSV.replace("2026-03-09,", "9 March 2026,"),
    "american long date": CSV.replace("2026-03-09,", '"Mar 9, 2026",'),
    "weekday": CSV.replace("2026-03-09,", '"Monday, 9th of March 2026",'),
    "blank in time": CSV.replace("09T14:05", "09 14:05"),
    "seconds": CSV.replace("09T14:05", "09T14:05:00"),
    "a line of blanks": CSV + "  \n",
    "a blank before a quote": CSV.replace("\nthe", "\n the").replace('\n"the', '\n "the'),
    "the unit before": CSV.replace("12.50", "EUR 12.50"),
    "a typesetter's minus": CSV.replace("-7.25", "\u22127.25"),
    "twelve hours": CSV.replace("2026-03-09T14:05", "2026-03-09 2:05 PM"),
    "blanks around": CSV.replace(",12.50,", ", 12.50 ,").replace("payee,paid", "payee , paid"),
    "decomposed": CSV.replace("Ørsted", "Ørsted"),
}
FAILING: dict[str, Any] = {
    "missing": None,
    "empty": "",
    "header only": lines(0),
    "semicolons": CSV.replace(",", ";"),
    "tabs": CSV.replace(",", "\t"),
    "index column": "".join(f"{n},{line}\n" for n, line in enumerate(CSV.splitlines())),
    "missing column": "\n".join(line.rpartition(",")[0] for line in CSV.splitlines()),
    "extra column": "".join(f"{line},x\n" for line in CSV.splitlines()),
    "renamed column": CSV.replace("entries", "count"),
    "missing row": lines(0, 1, 2),
    "doubled row": lines(0, 1, 2, 3, 3),
    "extra row": CSV + "Lidl,2026-01-01,1.00,1,\n",
    "one cell": CSV.replace("12.50", "12.51"),
    "another unit": CSV.replace("12.50", "12.50 USD"),
    "month first": CSV.replace("2026-04-03,", "04/03/2026,"),
    "a date of two kinds": CSV.replace("2026-03-09,", "2026/03-09,"),
    "wrong date": CSV.replace("2026-03-09,", "2026-03-08,"),
    "wrong half of the day": CSV.replace("2026-03-09T14:05", "2026-03-09 2:05 AM"),
    "an hour too many": CSV.replace("2026-03-09T14:05", "2026-03-09 14:05 PM"),
    "a word for a blank": CSV.replace("Aldi,,", "Aldi,N/A,"),
    "a quote that is not closed": CSV + '"',
    "a row of blanks": CSV + ",,,,\n",
    "thousands by blanks": CSV.replace("1234.50", "1 234.50"),
    "decimal comma with points": CSV.replace("1234.50", '"1.234,50"'),
    "wrong minute": CSV.replace("14:05", "14:06"),
    "seconds that count": CSV.replace("14:05", "14:05:30"),
    "a zone": CSV.replace("14:05", "14:05Z"),
    "a blank filled": CSV.replace("Aldi,,", "Aldi,2026-01-01,"),
    "a value left out": CSV.replace("-7.25", ""),
    "sign": CSV.replace("-7.25", "7.25"),
    "decimal comma": CSV.replace("12.50", '"12,50"'),
    "case of a text": CSV.replace("Aldi", "ALDI"),
    "json": json.dumps(OBJECTS),
    "junk": bytes(range(256)),
    "not utf-8": CSV.encode("latin-1"),
    "ragged": CSV + "a,b\n",
}


@pytest.mark.parametrize("name", PASSING)
def test_right_rows_pass(name: str) -> None:
    assert score(PASSING[name]) == 1


@pytest.mark.parametrize("name", FAILING)
def test_wrong_rows_get_half_at_most(name: str) -> None:
    assert score(FAILING[name]) <= 0.5


@pytest.mark.parametrize(
    "name",
    [n for n in FAILING if "column" in n or n in ("missing", "empty", "header only", "semicolons", "tabs", "json", "junk", "ragged")],
)
def test_other_columns_and_formats_get_nothing(name: str) -> None:
    assert score(FAILING[name]) == 0


def test_order_counts_where_asked() -> None:
    assert score(CSV, ordered=True) == 1
    assert score(lines(0, 2, 1, 3), ordered=True) == 0.5


@pytest.mark.parametrize("name", ["slashes", "day first", "dots", "long date", "american long date"])
def test_iso_dates_are_held_where_asked(name: str) -> None:
    assert score(PASSING[name], iso=True) < 1
    assert score(CSV, iso=True) == 1


def test_a_blank_row_of_a_single_column_is_a_row() -> None:
    params = {
        "path": "o",
        "format": "csv",
        "columns": [{"name": "a", "type": "text"}],
        "rows": [["x"], [None]],
        "ordered": False,
        "iso_dates": False,
    }
    assert checking.check("table", params, {}, {"o": 'a\nx\n""\n'}) == 1
    assert checking.check("table", params, {}, {"o": "a\nx\n"}) < 1


def test_an_input_left_as_it_was_earns_nothing() -> None:
    most = CSV.replace("12.50", "99.00")
    assert score(None, given=most) == 0
    assert score(most) > 0


FORMS: list[tuple[str, str, bool]] = [
    ("json", json.dumps(OBJECTS), True),
    ("json", json.dumps({"rows": OBJECTS}, indent=4), True),
    ("json", json.dumps([{k: o[k] for k in reversed(o)} for o in OBJECTS]), True),
    ("json", json.dumps(OBJECTS).replace('"12.50"', "12.5"), True),
    ("json", json.dumps(OBJECTS).replace('"3"', "3"), True),
    ("json", json.dumps([{k: v for k, v in o.items() if v} for o in OBJECTS]), False),
    ("json", json.dumps({"rows": OBJECTS, "n": 3}), False),
    ("json", json.dumps(OBJECTS[0]), False),
    ("json", json.dumps([list(o.values()) for o in OBJECTS]), False),
    ("json", "\n".join(map(json.dumps, OBJECTS)), False),
    ("json", CSV, False),
    ("json", json.dumps(OBJECTS).replace('"12.50"', "NaN"), False),
    ("json", json.dumps(OBJECTS).replace('"3"', "true"), False),
    ("json", json.dumps(OBJECTS).replace('"payee": "Aldi"', '"payee": "Lidl", "payee": "Aldi"'), False),
    ("jsonl", "\n".join(map(json.dumps, OBJECTS)) + "\n\n", True),
    ("jsonl", "\r".join(map(json.dumps, OBJECTS)), True),
    ("jsonl", json.dumps(OBJECTS), False),
    ("jsonl", json.dumps(OBJECTS, indent=1), False),
    (
        "yaml",
        "- payee: Ørsted, Lang & Co\n  paid: 2026-03-09\n  Amount: 1234.5\n  entries: 3\n  seen: 2026-03-09 14:05:00\n"
        "- {payee: 'the \"Tin\"', paid: 2026-04-03, Amount: '12.50', entries: 1, seen: null}\n"
        "- payee: Aldi\n  paid:\n  Amount: -7.25\n  entries: 2\n  seen: ~\n".replace("seen: ~", "seen: 2026-03-01T09:00"),
        True,
    ),
    ("yaml", json.dumps(OBJECTS), False),
    ("yaml", CSV, False),
    ("tsv", CSV.replace('"Ørsted, Lang & Co"', "Ørsted; Lang & Co").replace(",", "\t").replace(";", ","), True),
    ("tsv", CSV, False),
    (
        "md",
        "# Paid\n\n| payee | paid | Amount | entries | seen |\n|:--|---|--:|---|---|\n| Ørsted, Lang & Co | 2026-03-09 | 1,234.50 | 3 | 2026-03-09 14:05 |\n"
        '| the "Tin" | 2026-04-03 | 12.5 | 1 | |\n|Aldi||-7.25|2|2026-03-01T09:00|\n\nThat is all.\n',
        True,
    ),
    (
        "md",
        "payee | paid | Amount | entries | seen\n---|---|---|---|---\nØrsted, Lang & Co | 2026-03-09 | 1234.50 | 3 | 2026-03-09T14:05\n"
        'the "Tin" | 2026-04-03 | 12.50 | 1 | |\nAldi | | -7.25 | 2 | 2026-03-01T09:00\n',
        True,
    ),
    (
        "md",
        "| **payee** | `paid` | Amount | entries | *seen* |\n|-|-|-|-|-|\n"
        + "".join(f"| {' | '.join(c or '' for c in row)} |\n" for row in ROWS),
        True,
    ),
    ("md", CSV, False),
]


@pytest.mark.parametrize(("form", "content", "passes"), FORMS)
def test_each_format_is_read_as_it_is_written(form: str, content: str, passes: bool) -> None:
    assert (score(content, form) == 1) is passes


def test_two_markdown_tables_are_refused() -> None:
    table = "| a |\n|---|\n| 1 |\n"
    params = {
        "path": "o",
        "format": "md",
        "columns": [{"name": "a", "type": "text"}],
        "rows": [["1"]],
        "ordered": False,
        "iso_dates": False,
    }
    assert checking.check("table", params, {}, {"o": table}) == 1
    assert checking.check("table", params, {}, {"o": table + "\n" + table.replace("1", "2")}) == 0


@pytest.mark.parametrize(
    ("written_as", "expected", "passes"),
    [("007", "007", True), ("7", "007", False), ("yes", "yes", True), ("1e3", "1e3", True), ("2026-03-09", "2026-03-09", True)],
)
def test_yaml_text_keeps_its_letters(written_as: str, expected: str, passes: bool) -> None:
    params = {
        "path": "o",
        "format": "yaml",
        "columns": [{"name": "a", "type": "text"}],
        "rows": [[expected]],
        "ordered": False,
        "iso_dates": False,
    }
    assert (checking.check("table", params, {}, {"o": f"- a: {written_as}\n"}) == 1) is passes


@pytest.mark.parametrize(
    ("written_as", "passes"), [("true", True), ("True", True), ("TRUE", True), ("False", False), ("yes", False), ("1", False)]
)
def test_a_truth_value_may_be_spelled_as_any_language_does(written_as: str, passes: bool) -> None:
    params = {
        "path": "o",
        "format": "csv",
        "columns": [{"name": "a", "type": "text"}],
        "rows": [["true"]],
        "ordered": False,
        "iso_dates": False,
    }
    assert (checking.check("table", params, {}, {"o": f"a\n{written_as}\n"}) == 1) is passes


def test_expected_rows_that_do_not_fit_are_the_verifiers_fault() -> None:
    params = {
        "path": "o",
        "format": "csv",
        "columns": [{"name": "a", "type": "date"}],
        "rows": [["soon"]],
        "ordered": False,
        "iso_dates": False,
    }
    with pytest.raises(Exception, match="do not fit") as caught:
        checking.check("table", params, {}, {"o": "a\nsoon\n"})
    assert getattr(caught.value, "boundary", "") == "grader"
