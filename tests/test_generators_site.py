"""A relation as a website: the reader of solutions gets back what was published, and the site is one that can be walked."""

from __future__ import annotations

import functools
import http.server
import itertools
import posixpath
import re
import threading
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from renderers_making import ANY

from generators import rendering, scripts
from generators.relations import Column, Relation
from generators.renderers import holding, site
from generators.scripts import Source
from generators.views import Binding
from specs.records import SITE_URL

COLUMNS = (
    Column("stall_no", "key"),
    Column("trader", "title"),
    Column("since", "when"),
    Column("inspected_at", "at"),
    Column("fee", "measure", 2, "EUR"),
    Column("width", "measure", 0),
    Column("rating", "level", 1, "stars"),
    Column("minutes", "span"),
    Column("remark", "text"),
)
PUBLISHER = {
    "name": "Käse & <Söhne>",
    "about": "What is on sale.",
    "news": ["The tap runs.", "<b>Late</b> & early."],
    "past": "last year",
}
SPEC = {"site": PUBLISHER}
MARKUP = [
    "</dd>",
    "<main>",
    '<a href="x">',
    "&lt;b>",
    "&#39;",
    "&notit;",
    "<!--",
    "]]>",
    "</style>",
    "12 EUR",
    " edge ",
    "a  b",
    "two\nlines",
]
TEXT = (ANY | st.sampled_from(MARKUP)).filter(lambda s: holding.says("site", s))
KEY = TEXT | st.sampled_from(["index", "page-2", "PAGE-2", "news", "archive", "?", "a/b", "../x"])
FIGURE = st.decimals(min_value=-(10**9), max_value=10**9, places=2)
ROW = st.tuples(
    KEY,
    TEXT,
    st.none() | st.dates(date(1900, 1, 1), date(2090, 1, 1)),
    st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2090, 1, 1)).map(lambda d: d.replace(second=0, microsecond=0)),
    st.none() | FIGURE,
    st.none() | st.integers(-99, 99).map(Decimal),
    st.none() | st.integers(-99, 99).map(Decimal),
    st.integers(0, 600),
    st.none() | TEXT,
)
PLACES = itertools.count()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A folder, and the address under which it is served."""
    folder = tmp_path_factory.mktemp("served")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def stalls(rows) -> Relation:
    return Relation("stalls", "stall", "stalls & <stands>", COLUMNS, tuple(rows))


@given(rows=st.lists(ROW, min_size=1, max_size=19, unique_by=lambda r: r[0]), past=st.lists(ROW, max_size=2, unique_by=lambda r: r[0]))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_sites_are_lossless(rows, past, served, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    folder, address = served
    relation = stalls(rows)
    assert holding.holds("site", relation, SPEC)
    place = f"s{next(PLACES)}"
    for path, page in site.pages(relation, SPEC, place, relation.with_rows(past) if past else None).items():
        (folder / place / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / place / path).write_bytes(page)
    binding = Binding(relation, {c.name: c for c in COLUMNS})
    space: dict = {}
    text = scripts.script({"rows": (binding, Source(f"{address}{place}/", "site", SPEC))}, {}, "result = rows", ([], []))
    exec(compile(text, "script", "exec"), space)
    read = [tuple(row[name] for name in binding.view) for row in space["result"]]
    assert relation.with_rows(read).content == relation.content


PLAIN = [(f"MS-{n:03}", f"Trader {n}", date(2026, 3, 9), None, Decimal("12.50"), None, None, 5, None) for n in range(20)]


def published(rows=PLAIN, past=2) -> dict[str, str]:
    relation = stalls(rows)
    pages = rendering.pages_of(relation, SPEC, f"{SITE_URL}stalls/", "seed", relation.with_rows(rows[:past]))
    pages["index.html"] = site.home([("stalls", "stalls", PUBLISHER)])
    return {path: page.decode() for path, page in pages.items()}


def test_a_list_goes_on_over_pages_of_eight():
    pages = published()
    listed = sorted(p for p in pages if re.fullmatch(r"stalls/(index|page-\d)\.html", p))
    assert listed == ["stalls/index.html", "stalls/page-2.html", "stalls/page-3.html"]
    assert [pages[p].count("<li>") for p in listed] == [8, 8, 4]
    assert [('rel="prev"' in pages[p], 'rel="next"' in pages[p]) for p in listed] == [(False, True), (True, True), (True, False)]


def test_every_link_leads_somewhere_and_every_page_is_reached():
    pages = published()
    reached = {"index.html"}
    todo = ["index.html"]
    while todo:
        path = todo.pop()
        for href in re.findall(r'href="([^"]*)"', pages[path]):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), href)).removeprefix(".")
            target = target if target in pages else f"{target}/index.html".lstrip("/")
            assert target in pages, (path, href)
            todo += [target] if target not in reached else []
            reached.add(target)
    assert reached == set(pages)


def test_what_was_there_last_time_is_apart_and_says_so():
    pages = published()
    assert "Last year: stalls" in pages["stalls/archive/index.html"]
    assert sum(p.startswith("stalls/archive/ms-") for p in pages) == 2
    assert not any(p.startswith("stalls/archive/") for p in published(past=0) if p.count("/") > 2)


def test_an_entry_is_written_for_people():
    page = published()["stalls/ms-003.html"]
    assert '<time datetime="2026-03-09">9 March 2026</time>' in page
    assert "12.50 EUR" in page and "Stall number" in page
    assert "Remark" not in page  # a blank has no line


def test_the_same_relation_and_seed_give_the_same_bytes():
    assert published() == published()


def test_names_of_pages_are_the_sites_own():
    keys = ["index", "Index", "page-2", "news", "a b", "a-b", "../x", "?"]
    pages = site.pages(stalls([(k, *PLAIN[0][1:]) for k in keys]), SPEC, "seed")
    assert len(pages) == len(keys) + 3 and all(re.fullmatch(r"[a-z0-9-]+\.html", p) for p in pages)
