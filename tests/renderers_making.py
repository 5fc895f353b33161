"""Rows that are hard to write down, and the way there and back: a renderer, then the reader that solutions use."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck
from hypothesis import strategies as st

from generators import misreading, rendering, scripts
from generators.hostile import AWKWARD
from generators.relations import Column, Relation
from generators.renderers import holding
from generators.scripts import Source
from generators.views import Binding

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
