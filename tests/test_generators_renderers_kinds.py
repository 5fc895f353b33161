"""Logs, mails, calendars, configurations and folders of files give back what was written, whatever the values."""

from __future__ import annotations

import json
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from renderers_making import (
    ANY,
    MINUTE,
    RELAXED,
    read_back,
    round_trip,
    table,
)

from generators import rendering, scripts
from generators.relations import Column, Relation
from generators.renderers import holding
from generators.scripts import Source
from generators.views import Binding

LINE_COLUMNS = (Column("at", "at"), Column("level", "state"), Column("service", "group"), Column("message", "text"))
LINE = {"line": "- {at} {level} [{service}] {message}", "filler": ["The minutes of March were read and agreed."]}
WORD = st.text(st.characters(whitelist_categories=("L", "N")), min_size=1, max_size=8)


@given(rows=st.lists(st.tuples(MINUTE, WORD | ANY, WORD | ANY, ANY), min_size=1, max_size=4))
@settings(max_examples=150, **RELAXED)
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


@pytest.mark.slow
@given(
    rows=st.lists(
        st.tuples(MAIL_KEY | ANY, WORDS, WORDS, MINUTE, st.none() | NAME | ANY, WORDS, WORDS),
        min_size=1,
        max_size=2,
        unique_by=lambda r: r[0],
    )
)
@settings(max_examples=200, **RELAXED)
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
@settings(max_examples=300, **RELAXED)
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
@settings(max_examples=200, **RELAXED)
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
@settings(max_examples=150, **RELAXED)
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
