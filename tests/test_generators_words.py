"""The small grammar: articles, numbers, and sentences that stay whole when a demand goes unsaid."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from jinja2 import UndefinedError
from jinja2.exceptions import SecurityError

from generators.relations import Column
from generators.words import NOTHING, ColumnWord, closed, joined, lost, render, spoken


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ 'hour'|a }}", "an hour"),
        ("{{ 'unit'|a }}", "a unit"),
        ("{{ 3|words }} {{ 'entry'|plural(3) }}", "three entries"),
        ("{{ 1|words }} {{ 'entry'|plural(1) }}", "one entry"),
        ("{{ 40|words }}", "40"),
        ("{{ 'open'|q }}", "“open”"),
        ("{{ 'then it starts'|s }}", "Then it starts"),
        ("{{ '2026-03-09'|month }}, {{ '9 March 2026'|month }}", "2026-03, March 2026"),
    ],
)
def test_filters(text: str, said: str) -> None:
    assert render(text, {}) == said


def test_columns_are_said_in_words_and_named_as_written() -> None:
    assert render("{{ m }} ({{ m.name }})", {"m": ColumnWord(Column("paid_on", "when"))}) == "paid on (`paid_on`)"


def test_an_unknown_word_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("{{ nobody }}", {})


def test_sayings_reach_no_internals() -> None:
    with pytest.raises(SecurityError):
        render("{{ ''.__class__.__mro__ }}", {})


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Sort it; _.", "Sort it."),
        ("Sort it, and _.", "Sort it."),
        ("Sort it (_).", "Sort it."),
        ("Sort it (_; ties stay).", "Sort it (ties stay)."),
        ("Sort it (ties stay; _).", "Sort it (ties stay)."),
        ("Sort it. _. Then stop.", "Sort it. Then stop."),
        ("Sort it. _. _.", "Sort it."),
        ("Sort it. _. _; ties stay.", "Sort it. Ties stay."),
        ("Sort it. _; ties stay.", "Sort it. Ties stay."),
        ("Sort it. _, and ties stay.", "Sort it. Ties stay."),
        ("Sort it: _; ties stay.", "Sort it: ties stay."),
        ("Nothing is missing here.", "Nothing is missing here."),
    ],
)
def test_sentences_close_over_what_goes_unsaid(text: str, left: str) -> None:
    assert closed(text.replace("_", NOTHING)) == left


def test_a_gap_that_no_rule_closes_is_refused() -> None:
    with pytest.raises(ValueError, match="can't be left out"):
        closed(f"Take {NOTHING} along to the shop.")


def test_enumerations_end_in_and() -> None:
    assert joined(["a"]) == "a"
    assert joined(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("style", "day", "moment"), [("iso", "2026-03-09", "2026-03-09 07:05"), ("long", "9 March 2026", "9 March 2026, 07:05")]
)
def test_days_and_moments_are_said_as_people_write_them(style: str, day: str, moment: str) -> None:
    assert spoken(date(2026, 3, 9), style) == day
    assert spoken(datetime(2026, 3, 9, 7, 5), style) == moment
    assert spoken(3, style) == 3


@pytest.mark.parametrize(
    ("sayings", "missing"),
    [
        (["from `a`", "newest first"], None),
        (["from `a`", "oldest first"], "oldest first"),
        (["from `a`", "from `a`"], "from `a`"),  # said once, wanted twice
        (["newest", "newest first"], "newest"),  # the longer one has used the place
        (["NEWEST first"], None),
    ],
)
def test_each_saying_needs_a_place_of_its_own(sayings: list[str], missing: str | None) -> None:
    assert lost("Take them from `a`,\nnewest first.", sayings) == missing
