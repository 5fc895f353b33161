"""Tables give back what was written, whatever the values: where `holds` says yes, renderer and solutions' reader are a lossless pair."""

from __future__ import annotations

import io
import itertools
import json
import os
import sqlite3
import subprocess
import sys
import unicodedata
import zipfile
from datetime import date, datetime
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from renderers_making import (
    COLUMNS,
    RELAXED,
    VALUES,
    bound,
    round_trip,
    rows_for,
    table,
)

from generators import rendering, scripts
from generators.relations import Column, Relation, written
from generators.renderers import Style, databases, holding, workbooks
from generators.scripts import Source


@pytest.mark.parametrize("form", rendering.TABLES)
@given(data=st.data())
@settings(max_examples=60, **RELAXED)
def test_tables_are_lossless_where_they_hold_the_rows(form, data, tmp_path):
    relation = table(data.draw(rows_for(form)))
    if rendering.holds(form, relation, {}):
        assert round_trip(relation, form, {}, tmp_path)


@pytest.mark.parametrize("form", rendering.TABLES)
def test_every_known_trap_is_held_or_refused(form, tmp_path):
    held = 0
    for number, text in enumerate(VALUES):
        relation = table([(f"EX-{number}", date(2026, 3, 9), text, Decimal("1.5"), Decimal(3), "open", datetime(2026, 3, 9, 14, 5), "x")])
        if rendering.holds(form, relation, {}):
            held += 1
            assert round_trip(relation, form, {}, tmp_path), repr(text[:40])
    assert held > len(VALUES) / 2, "a format that refuses most of them is no use"


MUST_HOLD = [
    "a,b",
    'say "yes"',
    "x|y",
    "00123",
    "NULL",
    "=1+1",
    "12.50",
    "2026-01-02",
    "<b>&amp;",
    "ä ö",
    "שלום, עולם",
    "long " * 1000 + "end",
]


@pytest.mark.parametrize("form", rendering.TABLES)
@pytest.mark.parametrize("text", MUST_HOLD, ids=lambda t: t[:12])
def test_what_people_write_is_held_by_every_table(form, text):
    assert holding.says(form, text)


@pytest.mark.parametrize(
    ("form", "text"),
    [("csv", ""), ("md", " x"), ("html", "a  b"), ("txt", "a\n\nb"), ("xlsx", "x" * 32_768), ("xml", "a\x00b"), ("json", "\ud800")],
)
def test_what_a_format_would_lose_is_refused(form, text):
    assert not holding.says(form, text)


@pytest.mark.parametrize("form", ["json", "jsonl", "yaml", "sqlite", "xml"])
def test_empty_and_missing_are_two_things_where_a_format_knows_both(form, tmp_path):
    columns = (Column("ref", "key"), Column("note", "text"))
    relation = table([("a", ""), ("b", None), ("c", "x")], columns)
    assert rendering.holds(form, relation, {})
    assert round_trip(relation, form, {}, tmp_path)


@pytest.mark.parametrize("form", ["xml", "txt"])
def test_a_column_that_would_leave_no_trace_is_refused(form):
    columns = (Column("ref", "key"), Column("note", "text"))
    assert not rendering.holds(form, table([("a", None), ("b", None)], columns), {})
    assert rendering.holds(form, table([("a", None), ("b", "x")], columns), {})


@pytest.mark.parametrize("form", ["xlsx", "sqlite", "json"])
def test_a_number_that_a_float_would_bend_is_refused(form):
    columns = (Column("ref", "key"), Column("n", "measure", 6))
    assert rendering.holds(form, table([("a", Decimal("123456789.123456"))], columns), {})
    assert not rendering.holds(form, table([("a", Decimal("1234567890123.123456"))], columns), {})


def hostile_table(form: str) -> Relation:
    texts = [t for t in VALUES if holding.says(form, t)]
    rows = [
        (f"EX-{n}", date(2026, 3, 1 + n % 28), t, Decimal(n) + Decimal("1000.25"), Decimal(n), "open", datetime(2026, 3, 9, 14, n % 60), t)
        for n, t in enumerate(texts)
    ]
    return table(rows)


@pytest.mark.skipif(not os.access("/usr/bin/python3", os.X_OK), reason="no Python of the system's own")
@pytest.mark.parametrize("form", rendering.TABLES)
def test_the_boxes_own_python_reads_it_alike(form, tmp_path):
    """Boxes have the distribution's Python, openpyxl and PyYAML, which are older than ours."""
    relation = hostile_table(form)
    path = tmp_path / f"x.{form}"
    path.write_bytes(rendering.content_of(relation, {}, form, "seed"))
    text = scripts.script({"rows": (bound(relation), Source(str(path), form, {}))}, {}, "result = rows", ([], []))
    shown = "import json\nprint(json.dumps([[str(v) if v is not None else None for v in (" + ", ".join(
        f"r[{n!r}]" for n in bound(relation).view
    )
    shown += ")] for r in result]))"
    run = [
        subprocess.run([python, "-c", f"{text}\n{shown}"], check=True, capture_output=True, text=True).stdout
        for python in (sys.executable, "/usr/bin/python3")
    ]
    assert run[0] == run[1]
    assert len(json.loads(run[0])) == len(relation.rows)


@pytest.mark.parametrize("form", rendering.TABLES)
def test_the_same_rows_are_the_same_bytes(form):
    one, other = (rendering.content_of(hostile_table(form), {}, form, "seed") for _ in range(2))
    assert one == other


def test_a_workbook_holds_no_clock_and_no_packing():
    data = workbooks.xlsx(hostile_table("xlsx"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {(i.date_time, i.compress_type) for i in archive.infolist()} == {((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED)}
        core = archive.read("docProps/core.xml").decode()
    assert core.count("2026-01-01T00:00:00Z") == 2
    assert str(datetime.now().year) + "-" not in core.replace("2026-01-01T00:00:00Z", "")


def test_a_workbook_has_real_types():
    sheet = openpyxl.load_workbook(io.BytesIO(workbooks.xlsx(hostile_table("xlsx"), Style(total_line=True)))).active
    assert [type(c.value) for c in sheet[2]] == [str, datetime, str, float, int, str, datetime, str]
    assert [c.data_type for c in sheet[2]] == ["s", "d", "s", "n", "n", "s", "d", "s"]
    assert sheet[2][1].number_format == "yyyy-mm-dd"
    assert sheet.cell(sheet.max_row, 1).value == "TOTAL"
    assert not any(c.data_type in "fe" for row in sheet.iter_rows() for c in row), "a formula or an error"


def test_a_database_has_a_header_of_no_version(tmp_path):
    data = databases.sqlite(hostile_table("sqlite"))
    assert data[24:28] == data[92:96] == bytes([0, 0, 0, 1])
    assert int.from_bytes(data[96:100], "big") == 3_040_001
    path = tmp_path / "x.sqlite"
    path.write_bytes(data)
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert db.execute("SELECT count(*) FROM expenses WHERE note = 'NULL' AND typeof(amount) = 'real'").fetchone() == (2,)
    assert path.read_bytes() == data, "reading leaves the file as it is"


def test_a_number_is_written_with_its_decimals():
    assert written(Decimal("12.5"), COLUMNS[3]) == "12.50"


def test_control_characters_are_no_plain_text():
    for number in itertools.chain(range(0x20), range(0x7F, 0xA0), (0xD800, 0xFFFE, 0x1FFFF)):
        assert holding.plain(chr(number)) == (chr(number) in "\n\t"), unicodedata.name(chr(number), hex(number))
