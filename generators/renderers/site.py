"""Relations as small websites, the way a club, a shop or an authority publishes a list: pages of links, and a page for each row.

Plain HTML with what stands around a list: a header, a menu, the news, an imprint, and what was there last time as an archive.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from html import escape
from typing import Any

from generators.relations import Column, Relation, Row, Value, written
from generators.renderers.entries import suffixed

PAGE = 8  # entries on a page of the list
ARCHIVE = "archive"
NOISE = ("unit-suffix",)  # how every site writes its figures, by the name that files have for it
RESERVED = ("index", "news", "imprint", ARCHIVE)
LONGEST = 60  # characters of a page's name
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
STYLE = "body{max-width:42rem;margin:2rem auto;font-family:Georgia,serif}header p{font-size:1.4rem}nav a{margin-right:1rem}"
POST = "answers for these pages. Post reaches us under info@example.org."


def pages(relation: Relation, spec: dict[str, Any], seed: str, past: Relation | None = None) -> dict[str, bytes]:
    """HTML by path below the site's folder; `past` goes below archive/. `spec` is the domain's entry, `spec["site"]` who publishes it."""
    rng = random.Random(f"{seed}/site")
    look = rng.choice(("dl", "table"))
    found = _listed(relation, spec["site"], look, "", past is not None)
    if past is not None:
        found |= {f"{ARCHIVE}/{path}": page for path, page in _listed(past, spec["site"], look, ARCHIVE, True).items()}
    news = list(spec["site"]["news"])
    rng.shuffle(news)
    frame = Frame(spec["site"], relation.many, "", past is not None)
    found["news.html"] = frame.page("News", "".join(f"<p>{escape(text)}</p>\n" for text in news))
    found["imprint.html"] = frame.page("Imprint", f"<p>{escape(frame.who['name'])} {POST}</p>\n")
    return found


def home(sites: Iterable[tuple[str, str, dict[str, Any]]]) -> bytes:
    """The page at the root: a way to each site, given as (its folder, what it lists, the entry's `site`)."""
    found = list(sites)
    who = found[0][2]
    links = "".join(f'<li><a href="{folder}/">{escape(_titled(many))}</a></li>\n' for folder, many, _ in found)
    main = f"<main>\n<p>{escape(who['about'])}</p>\n<ul>\n{links}</ul>\n</main>\n"
    return _document(who["name"], f"<header><p>{escape(who['name'])}</p></header>\n{main}")


class Frame:
    """What surrounds every page of a site: `place` is the folder that the page lies in, below the site's own."""

    def __init__(self, who: dict[str, Any], many: str, place: str, archive: bool) -> None:
        self.who, self.many, self.place, self.archive = who, many, place, archive

    def page(self, title: str, main: str, after: str = "") -> bytes:
        """A whole page; `after` stands between the main part and the footer."""
        up = "../" if self.place else ""
        menu = [(f"{up}../", "Home"), (up or "./", _titled(self.many)), (f"{up}news.html", "News")]
        menu += [(f"{up}{ARCHIVE}/", _past(self.who))] if self.archive else []
        links = " ".join(f'<a href="{href}">{escape(text)}</a>' for href, text in menu)
        header = f"<header>\n<p>{escape(self.who['name'])}</p>\n<nav>{links}</nav>\n</header>\n"
        footer = f'<footer><a href="{up}imprint.html">Imprint</a> {escape(self.who["about"])}</footer>\n'
        return _document(f"{title} - {self.who['name']}", f"{header}<main>\n<h1>{escape(title)}</h1>\n{main}</main>\n{after}{footer}")


def _document(title: str, body: str) -> bytes:
    head = f'<meta charset="utf-8">\n<title>{escape(title)}</title>\n<style>{STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{body}</body>\n</html>\n'.encode()


def _listed(relation: Relation, who: dict[str, Any], look: str, place: str, archive: bool) -> dict[str, bytes]:
    """The pages of the list and of its entries."""
    frame = Frame(who, relation.many, place, archive)
    names = _names(relation)
    found = dict(_lists(relation, names, frame))
    for number, (name, row) in enumerate(zip(names, relation.rows, strict=True)):
        near = names[(number + 1) % len(names)]
        after = f'<aside><a href="./">All {escape(relation.many)}</a> <a href="{near}">The one after this</a></aside>\n'
        found[name] = frame.page(_heading(relation, row), _entry(relation, row, look), after)
    return found


def _lists(relation: Relation, names: Sequence[str], frame: Frame) -> Iterator[tuple[str, bytes]]:
    title = f"{_past(frame.who)}: {relation.many}" if frame.place else _titled(relation.many)
    count = len(relation.rows)
    links = [f'<li><a href="{name}">{escape(_heading(relation, row))}</a></li>\n' for name, row in zip(names, relation.rows, strict=True)]
    for page, start in enumerate(range(0, max(1, count), PAGE), 1):
        shown = links[start : start + PAGE]
        main = f"<p>{start + 1} to {start + len(shown)} of {count}</p>\n<ul>\n{''.join(shown)}</ul>\n"
        ways = [f'<a rel="prev" href="{_page(page - 1)}">previous</a>'] if page > 1 else []
        ways += [f'<a rel="next" href="{_page(page + 1)}">next</a>'] if start + PAGE < count else []
        said = escape(frame.who["news"][page % len(frame.who["news"])])
        yield _page(page), frame.page(title, main, f"<nav>{' '.join(ways)}</nav>\n<aside><p>{said}</p></aside>\n")


def _page(number: int) -> str:
    return "index.html" if number == 1 else f"page-{number}.html"


def _names(relation: Relation) -> list[str]:
    """A file name for each row, out of its key where it has one; no two alike, none that another page has."""
    key = relation.column("key")
    taken = set(RESERVED)
    names = []
    for number, row in enumerate(relation.rows, 1):
        plain = re.sub(r"[^a-z0-9]+", "-", str(row[relation.index(key.name)] if key else number).lower()).strip("-")[:LONGEST]
        stem = f"entry-{plain}" if not plain or plain.startswith("page-") else plain
        free = next(s for s in itertools.chain([stem], (f"{stem}-{n}" for n in itertools.count(2))) if s not in taken)
        taken.add(free)
        names.append(f"{free}.html")
    return names


def _heading(relation: Relation, row: Row) -> str:
    """What a link to a row says: its title or party, and its key."""
    columns = [c for c in (relation.column("title") or relation.column("party"), relation.column("key")) if c]
    said = [str(v) for c in columns or relation.columns[:1] if (v := row[relation.index(c.name)]) is not None]
    return ", ".join(said) or relation.one


def _past(who: dict[str, Any]) -> str:
    return _titled(who.get("past", ARCHIVE))


def _titled(text: str) -> str:
    return text[:1].upper() + text[1:]


def label(column: Column) -> str:
    """What a page calls a column."""
    return _titled(column.words)


def _entry(relation: Relation, row: Row, look: str) -> str:
    """A row's values under their labels; a blank has no line."""
    pairs = [(escape(label(c)), shown(v, c)) for c, v in zip(relation.columns, row, strict=True) if v is not None]
    if look == "dl":
        return "<dl>\n" + "".join(f"<dt>{name}</dt><dd>{value}</dd>\n" for name, value in pairs) + "</dl>\n"
    return "<table>\n" + "".join(f"<tr><th>{name}</th><td>{value}</td></tr>\n" for name, value in pairs) + "</table>\n"


def shown(value: Value, column: Column) -> str:
    """A value as HTML: days in words, figures with their unit."""
    if isinstance(value, date):
        day = f"{value.day} {MONTHS[value.month - 1]} {value.year}"
        text = f"{day}, {value:%H:%M}" if isinstance(value, datetime) else day
        return f'<time datetime="{written(value, column)}">{text}</time>'
    text = written(value, column) or ""
    return escape(f"{text} {column.unit}" if suffixed(column) else text)
