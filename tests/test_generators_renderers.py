"""Every format gives back what was written, whatever the values: where `holds` says yes, renderer and solutions' reader are a lossless pair."""

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
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generators import misreading, rendering, scripts
from generators.database import Binding
from generators.hostile import AWKWARD
from generators.relations import Column, Relation, written
from generators.renderers import Style, databases, holding, workbooks
from generators.scripts import Source

VALUES = [  # each has broken some reader of some format
    "a,b", 'say "yes"', "x|y", "ends \\", "\\| both", "0012", "00123", "1,5", "- item", "# no", "{a}", "null", "NULL", "None", "true", "2026-01-02",
    "9 March 2026", "12.50", "1e5", "ä ö", "'", "=1+1", "+1", "@x", ": x", "x: y", "&amp;", "<b>&amp;", "<td>", "<br>", "]]>", "~", "#N/A", "",
    " ", " leading", "trailing ", "a  b", "two\nlines", "two\n\nparagraphs", "tab\there", "שלום, עולם", "\u202eright to left", "a\u2028b", "a\xa0b",
    "e\u0301", "_x0041_", "BEGIN:VEVENT", "END:VEVENT", "From me", ">From me", "[section]", "long " * 4000 + "end", "x" * 40_000, "\r", "a\x00b",
    "\ud800", "\ufffe", "\x85", "\x7f", "%(a)s", "${a}", "\\n", "TOTAL", "VOID x", *AWKWARD,
]  # fmt: skip
ANY = st.text(st.characters(), max_size=12) | st.sampled_from(VALUES)
NUMBER = st.none() | st.decimals(min_value=-(10**12), max_value=10**12, places=2) | st.just(Decimal("1234567.50"))
DAY = st.none() | st.dates(date(1899, 1, 1), date(2090, 1, 1))
MINUTE = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)).map(lambda d: d.replace(second=0, microsecond=0))
COLUMNS = (
    Column("ref", "key"),
    Column("paid_on", "when"),
    Column("payee", "party"),
    Column("amount", "measure", 2, "EUR"),
    Column("count", "measure", 0),
    Column("status", "state"),
    Column("entered", "at"),
    Column("note", "text"),
)
RELAXED = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
}


def rows_for(form: str) -> st.SearchStrategy:
    """Rows of which most can be held by the format: a text that can't be is drawn seldom."""
    text = ANY.filter(lambda s: holding.says(form, s))
    days = DAY.filter(lambda d: d is None or form != "xlsx" or d >= date(1900, 3, 1))
    count = st.none() | st.integers(-(10**9), 10**9).map(Decimal)
    row = st.tuples(
        st.integers(1, 10**6).map(lambda n: f"EX-{n:06}"),
        days,
        text,
        NUMBER,
        count,
        st.sampled_from(["open", "paid", "half done"]),
        MINUTE,
        st.none() | text,
    )
    return st.lists(row, min_size=1, max_size=8, unique_by=lambda r: r[0])


def read_back(binding: Binding, source: Source) -> Relation:
    """The rows as a solution's reader gives them, by the view's names."""
    space: dict = {}
    text = scripts.script({"rows": (binding, source)}, {}, "result = rows", ([], []))
    exec(compile(text, "script", "exec"), space)
    rows = [tuple(row[name] for name in binding.view) for row in space["result"]]
    return binding.relation.with_rows(rows)


def bound(relation: Relation) -> Binding:
    return Binding(relation, {c.role: c for c in relation.columns if c.name != "count"})


def same(read: Relation, meant: Relation) -> bool:
    """Equal rows; numbers and dates that nobody bound come as the file has them."""
    return read.with_rows([as_typed(row, meant) for row in read.rows]).content == meant.content


def as_typed(row: tuple, relation: Relation) -> tuple:
    return tuple(
        Decimal(str(v).replace(",", "")) if c.role == "measure" and v not in (None, "") else v
        for v, c in zip(row, relation.columns, strict=True)
    )


def round_trip(relation: Relation, form: str, spec: dict, folder: Path, noise: tuple[str, ...] = ()) -> bool:
    path = str(folder / f"x.{form}")
    for name, data in rendering.files_of(relation, spec, form, path, "seed", misreading.style_of(noise)).items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(data)
    try:
        return same(read_back(bound(relation), Source(path, form, spec, noise)), relation)
    finally:
        for name in Path(path).iterdir() if Path(path).is_dir() else []:
            name.unlink()


def table(rows, columns=COLUMNS) -> Relation:
    return Relation("expenses", "expense", "expenses", columns, tuple(rows))


@pytest.mark.parametrize("form", rendering.TABLES)
@given(data=st.data())
@settings(max_examples=30, **RELAXED)
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


PAIRS = [(kind, form) for kind, forms in misreading.WHERE.items() for form in forms]


@pytest.mark.parametrize(("kind", "form"), PAIRS)
@given(data=st.data())
@settings(max_examples=12, **RELAXED)
def test_noise_is_read_in_spite_of_it(kind, form, data, tmp_path):
    noisy(table(data.draw(rows_for(form))), form, (kind,), tmp_path)


@pytest.mark.parametrize("form", sorted({form for _, form in PAIRS}))
@given(data=st.data())
@settings(max_examples=20, **RELAXED)
def test_kinds_of_noise_may_meet(form, data, tmp_path):
    kinds: list[str] = []
    for kind in data.draw(st.permutations([k for k, f in PAIRS if f == form])):
        if not misreading.clash(kind, kinds):
            kinds.append(kind)
    noisy(table(data.draw(rows_for(form))), form, tuple(kinds), tmp_path)


def noisy(relation: Relation, form: str, kinds: tuple[str, ...], folder: Path) -> None:
    kinds = tuple(k for k in kinds if misreading.misread(k, relation) is not None)
    if rendering.holds(form, relation, {}):
        assert round_trip(relation, form, {}, folder, kinds)


@pytest.mark.parametrize("kind", misreading.MISREAD)
def test_somebody_who_overlooks_it_reads_something_else(kind):
    rows = [
        (f"EX-{n}", date(2026, 3, 9), "Ørsted", Decimal("1234.5"), Decimal(3), "open", datetime(2026, 3, 9, 14, 5), "x")
        for n in range(1, 8)
    ]
    relation = table(rows)
    if kind == "unit-suffix":  # which is for a relation with one measure only
        kept = [i for i, c in enumerate(COLUMNS) if c.role != "measure" or c.unit]
        relation = table([tuple(row[i] for i in kept) for row in rows], tuple(COLUMNS[i] for i in kept))
    read = misreading.misread(kind, relation)
    assert read is not None
    assert read.content != relation.content
    columns = (Column("ref", "text"), Column("note", "text"))
    assert misreading.misread(kind, table([("a", "b")], columns)) is None, "nothing there that it could touch"


LINE_COLUMNS = (Column("at", "at"), Column("level", "state"), Column("service", "group"), Column("message", "text"))
LINE = {"line": "- {at} {level} [{service}] {message}", "filler": ["The minutes of March were read and agreed."]}
WORD = st.text(st.characters(whitelist_categories=("L", "N")), min_size=1, max_size=8)


@given(rows=st.lists(st.tuples(MINUTE, WORD | ANY, WORD | ANY, ANY), min_size=1, max_size=4))
@settings(max_examples=60, **RELAXED)
@pytest.mark.parametrize("form", ["log", "minutes"])
def test_lines_are_lossless_where_they_hold_the_rows(form, rows, tmp_path):
    relation = Relation("events", "event", "events", LINE_COLUMNS, tuple(rows))
    if rendering.holds(form, relation, LINE):
        assert round_trip(relation, form, LINE, tmp_path)


@pytest.mark.parametrize("form", ["log", "minutes"])
def test_lines_hold_what_fits_between_their_separators(form):
    good = (datetime(2026, 1, 2, 3, 4), "WARN", "mail", "sent] [twice, <b>&amp; ä: שלום")
    assert rendering.holds(form, table([good], LINE_COLUMNS), LINE)
    for at, bad in ((1, "A [B"), (2, "a] b"), (3, "a\nb"), (3, "")):
        assert not rendering.holds(form, table([(*good[:at], bad, *good[at + 1 :])], LINE_COLUMNS), LINE)


MAIL_COLUMNS = (
    Column("id", "key"),
    Column("sender", "party"),
    Column("subject", "title"),
    Column("sent", "at"),
    Column("body", "text"),
    Column("label", "group"),
    Column("mark", "state"),
)
NAME = st.from_regex(r"[A-ZÄÖÜØ][a-zéøß]{1,8} [A-Z][a-z']{1,8}", fullmatch=True)
MAIL_KEY = st.from_regex(r"[a-z]{3}-[0-9]{3}", fullmatch=True)
WORDS = NAME | ANY.filter(lambda s: holding.plain(s) and s.strip() and "\n" not in s)


@given(
    rows=st.lists(
        st.tuples(MAIL_KEY | ANY, WORDS, WORDS, MINUTE, st.none() | NAME | ANY, WORDS, WORDS),
        min_size=1,
        max_size=2,
        unique_by=lambda r: r[0],
    )
)
@settings(max_examples=60, **RELAXED)
@pytest.mark.parametrize("form", ["mbox", "eml"])
def test_mails_are_lossless_where_they_hold_the_rows(form, rows, tmp_path):
    relation = Relation("messages", "message", "messages", MAIL_COLUMNS, tuple(rows))
    if rendering.holds(form, relation, {}):
        assert round_trip(relation, form, {}, tmp_path)


@pytest.mark.parametrize("form", ["mbox", "eml"])
def test_mails_hold_what_people_write(form, tmp_path):
    subjects = ["Re: ä, ö & <b>", "00123", "=1+1", "שלום", "NULL", "a very long subject, " * 9 + "end", "2026-01-02"]
    bodies = [None, "two\nlines", "naïve: yes", "x" * 5000, "long " * 500 + "end", "שלום", "a = b"]
    pairs = zip(subjects, bodies, strict=True)
    moment = datetime(2026, 1, 2, 3, 4)
    relation = table([(f"m{n}", "Müller, Ada", s, moment, b, "parts", "unread") for n, (s, b) in enumerate(pairs)], MAIL_COLUMNS)
    assert rendering.holds(form, relation, {})
    assert round_trip(relation, form, {}, tmp_path)


EVENT_COLUMNS = (
    Column("uid", "key"),
    Column("what", "title"),
    Column("starts", "at"),
    Column("minutes", "span"),
    Column("room", "place"),
    Column("team", "group"),
    Column("leader", "party"),
)


@given(
    rows=st.lists(
        st.tuples(
            st.from_regex(r"E-[0-9]{4}", fullmatch=True) | ANY, ANY, MINUTE, st.integers(1, 600), st.none() | ANY, ANY, st.none() | ANY
        ),
        min_size=1,
        max_size=2,
        unique_by=lambda r: r[0],
    )
)
@settings(max_examples=80, **RELAXED)
def test_calendars_are_lossless_where_they_hold_the_rows(rows, tmp_path):
    relation = Relation("events", "event", "events", EVENT_COLUMNS, tuple(rows))
    if rendering.holds("ics", relation, {}):
        assert round_trip(relation, "ics", {}, tmp_path)


def test_calendars_hold_what_people_write():
    for text in ("a,b; c: d", "two\nlines", "ends \\", "x" * 300, "END:VEVENT", "שלום"):
        assert rendering.holds("ics", table([("E-1", text, datetime(2026, 1, 2), 5, text, text, "Ada: B; C, D")], EVENT_COLUMNS), {})
    assert not rendering.holds("ics", table([("E-1", "x", datetime(2026, 1, 2), 5, "x", "x", 'Ada "A"')], EVENT_COLUMNS), {})


LEAF = st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6, allow_nan=False).map(lambda f: round(f, 3)) | ANY | st.none()
KEY = st.from_regex(r"[a-z][a-z_]{0,6}", fullmatch=True)
TREE = (Column("path", "path"), Column("value", "value"))


@given(leaves=st.dictionaries(st.lists(KEY, min_size=1, max_size=3).map(".".join), LEAF, min_size=1, max_size=6))
@settings(max_examples=60, **RELAXED)
@pytest.mark.parametrize("form", ["yaml", "json", "toml", "ini"])
def test_configurations_are_lossless_where_they_hold_the_rows(form, leaves, tmp_path):
    rows = [(p, json.dumps(v, ensure_ascii=False)) for p, v in sorted(leaves.items())]
    relation = Relation("settings", "setting", "settings", TREE, tuple(rows))
    if not rendering.holds(form, relation, {"tree": {}}):
        return
    path = tmp_path / f"x.{form}"
    path.write_bytes(rendering.content_of(relation, {"tree": {}}, form, "seed"))
    read = read_back(Binding(relation, {"path": TREE[0], "value": TREE[1]}), Source(str(path), form, {}))
    assert {p: json.loads(v) for p, v in read.rows} == leaves
    assert {p: type(json.loads(v)) for p, v in read.rows} == {p: type(v) for p, v in leaves.items()}
    space: dict = {}  # what a solution writes back, read again
    writer = scripts.snippet(f"write_{form}") if form in ("toml", "ini") else ""
    if writer:
        exec(compile(f"import json, re\n{scripts.snippet('nest')}\n{writer}\n", "script", "exec"), space)
        tree = space["nest"]([{"path": p, "value": v} for p, v in rows])
        path.write_text("\n".join(space[f"{form}_lines"](tree)) + "\n", encoding="utf-8", newline="")
        assert read_back(Binding(relation, {"path": TREE[0], "value": TREE[1]}), Source(str(path), form, {})).content == read.content


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (8080, "8080"),
        (21.5, "21.5"),
        ("eco", "eco"),
        ("true", '"true"'),
        ("12", '"12"'),
        ("a # b", '"a # b"'),
        ("two words", "two words"),
    ],
)
def test_an_ini_keeps_the_type_by_one_rule(value, text):
    relation = table([("server.mode", json.dumps(value))], TREE)
    assert rendering.content_of(relation, {"tree": {}}, "ini", "seed").decode() == f"[server]\nmode = {text}\n"


def test_an_ini_has_no_setting_outside_a_section():
    assert not rendering.holds("ini", table([("label", '"a"')], TREE), {"tree": {}})
    assert rendering.holds("toml", table([("label", '"a"')], TREE), {"tree": {}})


FILE_COLUMNS = (Column("name", "path"), Column("no", "key"), Column("dated", "when"), Column("vendor", "party"))
BODY = {"body": "scan {no} from {vendor}, dated {dated}.\n", "columns": {}}


@given(
    rows=st.lists(
        st.tuples(st.from_regex(r"[0-9]{3}", fullmatch=True), st.dates(date(2000, 1, 1), date(2050, 1, 1)), NAME | ANY),
        min_size=1,
        max_size=3,
        unique_by=lambda r: r[0],
    ),
    name=st.just("{}.txt") | ANY,
)
@settings(max_examples=60, **RELAXED)
def test_folders_of_files_are_lossless_where_they_hold_the_rows(rows, name, tmp_path):
    named = [(name.replace("{}", no) if "{}" in name else name, no, day, who) for no, day, who in rows]
    relation = Relation("scans", "scan", "scans", FILE_COLUMNS, tuple(named))
    if rendering.holds("files", relation, BODY):
        assert round_trip(relation, "files", BODY, tmp_path)


def test_a_file_name_that_leaves_the_folder_is_refused():
    row = ("001", date(2026, 1, 2), "Ørsted")
    assert rendering.holds("files", table([("2026-01-02_Ørsted_001.txt", *row)], FILE_COLUMNS), BODY)
    for name in ("../x", "a/b", "", ".", "x" * 300, "a\x00b"):
        assert not rendering.holds("files", table([(name, *row)], FILE_COLUMNS), BODY)


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
