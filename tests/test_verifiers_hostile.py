"""Bytes written to break the grader end in a score of 0 with a reason; none crashes it or keeps it busy."""

from __future__ import annotations

import io
import signal
import zipfile
from collections.abc import Iterator
from typing import Any

import checking
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specs.records import Change
from verifiers import tables
from verifiers.kinds import calendar, tree
from verifiers.snapshot import Unreadable

COLUMNS = [
    {"name": "a", "type": "number", "decimals": 2},
    {"name": "b", "type": "date"},
    {"name": "c", "type": "timestamp"},
    {"name": "d", "type": "text"},
]
ROW = ["1.00", "2026-03-09", "2026-03-09T14:05", "x"]
PARAMS: dict[str, dict[str, Any]] = {
    **{
        f"table {f}": {"path": "o", "format": f, "columns": COLUMNS, "rows": [ROW], "ordered": True, "iso_dates": False}
        for f in ("csv", "tsv", "json", "jsonl", "yaml", "md")
    },
    **{f"tree {f}": {"path": "o", "format": f, "leaves": {"a.b": 1}} for f in ("yaml", "json", "toml", "ini")},
    "message": {"path": "o", "facts": [{"label": "Total", "value": "1", "type": "integer"}], "greeting": "Maud", "max_words": 50},
    "calendar": {"path": "o", "events": [{"summary": "x", "start": "2026-03-09T14:05", "minutes": 5, "location": None}], "only": False},
    "files": {"expect": [{"path": "o", "digest": "0" * 64}], "gone": ["x"], "under": "", "only": True},
}
BIG = 900_000


def zipped(name: bytes, content: bytes) -> bytes:
    """A workbook's outside around far more than it weighs."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name.decode(), content)
    return packed.getvalue()


HOSTILE: dict[str, bytes] = {
    "deep json": b"[" * 100_000 + b"]" * 100_000,
    "deep json objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep yaml": b"[" * 100_000,
    "deep block yaml": b"".join(b" " * n + b"- a:\n" for n in range(600)),
    "deep yaml dashes": b"- " * 100_000,
    "deep toml": b"a = " + b"[" * 100_000,
    "deep toml keys": b".".join([b"a"] * 100_000) + b" = 1",
    "yaml bomb": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c]\n" % (n + 1, n + 1, n, n, n, n, n, n) for n in range(97, 120)),
    "yaml merge": b"a: &a {b: 1}\nc:\n  <<: *a\n",
    "yaml tag": b"!!python/object/apply:os.system ['echo x']\n",
    "yaml escape": b'a: "\\UFFFFFFFF"\n',
    "yaml version": b"%YAML " + b"9" * 5000 + b".1\n---\na: 1\n",
    "yaml sexagesimal": b"a: 1" + b":59" * 50_000,
    "yaml question marks": b"? " * 5_000,
    "yaml documents": b"---\n" * 50_000,
    "yaml colons": b"a: " * 50_000,
    "yaml quotes": b"'" * 200_001,
    "huge integer": b'[{"a": ' + b"9" * BIG + b', "b": 1, "c": 1, "d": 1}]',
    "huge exponent": b'[{"a": 1e999999999, "b": 1, "c": 1, "d": 1}]',
    "huge exponent csv": b"a,b,c,d\n1e999999999,2026-03-09,2026-03-09T14:05,x\n",
    "nan": b'[{"a": NaN, "b": Infinity, "c": -Infinity, "d": null}]',
    "nan tree": b"a:\n  b: .nan\n",
    "nan toml": b"[a]\nb = nan\n",
    "not utf-8": b"\xff\xfe\xfa" * 100,
    "nul": b"a,b,c,d\n\0,\0,\0,\0\n",
    "long field": b"a,b,c,d\n" + b"x" * BIG + b",1,1,1\n",
    "open quote": b'a,b,c,d\n"' + b"x,\n" * 250_000,
    "many rows": b"a,b,c,d\n" + b"1,2,3,4\n" * 100_000,
    "many columns": b"a," * 400_000,
    "blanks in a time": b"a,b,c,d\n1,2026-03-09,x" + b" " * 100_000 + b"y,x\n",
    "blanks in a message": b"Dear Maud\nTotal" + b" " * BIG + b": 2\n",
    "stars": b"*" * BIG + b"\nTotal: 1\n",
    "bullets": b"- " * 400_000 + b"Total: 1\n",
    "many labels": b"Total: 1\n" * 90_000,
    "colons": b":" * BIG,
    "pipes": b"|" * BIG + b"\n" + b"|-" * 300_000,
    "rules": b"|a|b|c|d|\n|-|-|-|-|\n" * 40_000,
    "backslashes": b"|" + b"\\" * BIG + b"|\n|-|\n",
    "combining marks": b"a,b,c,d\n1,2,3," + "\u0316\u0300".encode() * 30_000 + b"\n",
    "ics nested": b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 15_000 + b"END:VCALENDAR",
    "ics years": b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:99991231T235959\nDURATION:P999999999999D\nSUMMARY:x\nEND:VEVENT\nEND:VCALENDAR",
    "ics many": b"BEGIN:VCALENDAR\n"
    + b"BEGIN:VEVENT\nDTSTART:20260309T140500\nDURATION:PT6M\nSUMMARY:x\nEND:VEVENT\n" * 2_500
    + b"END:VCALENDAR",
    "ics folds": b"BEGIN:VCALENDAR" + b"\r\n " * 80_000,
    "ics line": b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY" + b";A=1" * 50_000 + b":x\nEND:VEVENT\nEND:VCALENDAR",
    "xml bomb": b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (n + 1, b"&%c;" % n * 10) for n in range(97, 110))
    + b"]><l>&n;</l>",
    "zip bomb": zipped(b"xl/worksheets/sheet1.xml", b"0" * (64 << 20)),
    "sqlite cut short": b"SQLite format 3\0" + b"\x10\0\1\1\0\x40\x20\x20" + b"\xff" * 4000,
    "utf-16": "a,b,c,d\n1,2026-03-09,2026-03-09T14:05,x\n".encode("utf-16"),
    "utf-16 without a mark": "a,b,c,d\n1,2026-03-09,2026-03-09T14:05,x\n".encode("utf-16-le"),
    "latin-1": "a,b,c,d\n1,2026-03-09,2026-03-09T14:05,\xe9\n".encode("latin-1"),
    "a lone surrogate": b"a,b,c,d\n1,2026-03-09,2026-03-09T14:05,\xed\xa0\x80\n",
    "a lone surrogate in json": b'[{"a": "\\ud800", "b": "\\udfff", "c": "\\ud800\\ud800", "d": "\\ud83d"}]',
    "control characters": bytes(range(1, 32)) * 9_000,
    "wide rows": (b"a," * 99_999 + b"a\n") * 4,
    "wide json": b"[{" + b",".join(b'"k%d":1' % n for n in range(60_000)) + b"}]",
    "wide markdown": b"|a" * 100_000 + b"|\n" + b"|-" * 100_000 + b"|\n",
    "many digits": b"a,b,c,d\n" + b"1" * 100_000 + b",2026-03-09,2026-03-09T14:05,x\n",
    "many commas in a number": b'a,b,c,d\n"' + b"1,111" * 20_000 + b'",2026-03-09,2026-03-09T14:05,x\n',
    "exponents": b'[{"a": 1e999999, "b": -1e-999999, "c": 0e99999999999999, "d": 1E+400}]',
    "exponent toml": b"[a]\nb = 1e999999999\n",
    "many digits toml": b"[a]\nb = " + b"9" * 100_000 + b"\n",
    "many digits yaml": b"a:\n  b: " + b"9" * 100_000 + b"\n",
    "weekdays": b"a,b,c,d\n1," + b"mon " * 100_000 + b",x,x\n",
    "subject words": b"Dear Maud\nTotal: 1\n" + b"the real the true the actual total is not is not " * 20 + b"\n",
    "is not true": (b"total is not all " * 110 + b"\n") * 400 + b"Dear Maud\nTotal: 2\n",
    "emphasis": b"*_`" * 300_000,
    "rule of dashes": b"|" + b"-" * 400_000 + b"x|\n|" + b" :-: |" * 60_000 + b"y\n",
    "ics parameters": b"BEGIN:VCALENDAR\n" + b"X" + b";A" * 60_000 + b"\nEND:VCALENDAR",
    "ics quotes": b"BEGIN:VCALENDAR\n" + b"X;A=" + b'"' * 120_000 + b"\nEND:VCALENDAR",
    "ini sections": b"".join(b"[s%d]\na=1\n" % n for n in range(9_000)),
    "empty": b"",
}
SECONDS = 20  # a guard against hanging, far above what any takes


@pytest.fixture(autouse=True)
def guard() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TimeoutError("the grader hangs")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_score_nothing(name: str) -> None:
    for kind, params in PARAMS.items():
        graded = checking.graded(kind.split()[0], params, {"x": "y"}, checking.changes({"o": HOSTILE[name]}))
        assert graded.score < 1, kind
        assert graded.checks[0].why, kind


@pytest.mark.parametrize("kind", PARAMS)
@pytest.mark.parametrize(
    "change",
    [
        Change("o", "symlink", 0o777, 11, "", b"/etc/passwd"),
        Change("o", "symlink", 0o777, 1, "", b"o"),
        Change("o", "directory", 0o755, 0, "", None),
        Change("o", "other", 0o644, 0, "", None),
        Change("o", "file", 0o644, 50_000_000, "0" * 63 + "1", None),
    ],
)
def test_what_is_no_file_scores_nothing(kind: str, change: Change) -> None:
    graded = checking.graded(kind.split(maxsplit=1)[0], PARAMS[kind], {"x": "y"}, (change,))
    assert graded.score == 0
    assert graded.checks[0].why


FRAGMENTS = st.sampled_from(
    [
        b"BEGIN:",
        b"VCALENDAR",
        b"VEVENT",
        b"END:",
        b"\n",
        b"\r",
        b" ",
        b"- ",
        b"a: ",
        b"[",
        b"]",
        b"{",
        b"}",
        b'"',
        b"'",
        b"|",
        b"---",
        b"!!",
        b"&a",
        b"*a",
        b"? ",
        b": ",
        b"#",
        b"=",
        b"1e9",
        b".",
        b"\\U",
        b"%",
        b"DTSTART:",
        b"20260309T140500",
        b">",
        b"\t",
        b"<<",
        b"\xc3",
        b"\xef\xbb\xbf",
        b"0x",
        b"_",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(FRAGMENTS | st.binary(max_size=3), max_size=25).map(b"".join))
def test_readers_read_or_refuse(data: bytes) -> None:
    for form in ("csv", "tsv", "json", "jsonl", "yaml", "md"):
        _tried(lambda form=form: tables.read(data, form))
    for form in ("json", "yaml", "toml"):
        _tried(lambda form=form: tree.read(data, form))
    _tried(lambda: calendar.read(data))
    checking.check("message", PARAMS["message"], {}, {"o": data})


def _tried(read: Any) -> None:
    try:
        read()
    except Unreadable as error:
        assert str(error)


@pytest.mark.parametrize("data", [b"a: &x 1\n", b"a: &x {b: 1}\nc: *x\n", HOSTILE["yaml bomb"]])
def test_anchors_and_aliases_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(Unreadable, match="anchors"):
        tree.read(data, "yaml")
