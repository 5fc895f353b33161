"""What words must keep is read off the text: paths, values, numbers in figures or letters, names, words for columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.rewriting import literals
from generators.words import grammar


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("in `out/a b.csv` and `x`, not x/y.json.", ("out/a b.csv", "x", "x/y.json")),
        ("see https://example.org/a?b=1 or write to a.b@example.org", ("https://example.org/a?b=1", "a.b@example.org")),
        ("24/7, and done", ()),
    ],
)
def test_paths_stand_in_backticks_or_look_like_paths(text: str, found: tuple[str, ...]) -> None:
    assert literals.paths(text) == found


def test_values_are_found_in_any_quotation_marks() -> None:
    assert literals.quoted("marked “open”, „zu“ or \"to do.\" as state; it's Maud's") == ("open", "zu", "to do")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-03-09 14:05 until 2026-03-10T14", ("2026-03-09", "14:05", "2026-03-10T14")),
        ("from 31 March 2026 14:05 to 2 May", ("31 March 2026", "14:05", "2 May")),
        ("1,200.50 EUR, 3rd of 12", ("1200.50", "3", "12")),
        ("the two with twenty-four on the third", ("2", "24", "3")),
        ("a two-week trip of a dozen", ("2", "12")),
        ("the two largest; where two are level, the higher of two", ("2",)),
        ("the one, the first and the second; someone tense", ()),
        ("1. go there\n2) come back", ()),
        ("`a/2.csv` and 7", ("7",)),
        ("v2 is no number, nor is x86", ()),
    ],
)
def test_numbers(text: str, found: tuple[str, ...]) -> None:
    assert literals.numbers(text) == found


@given(st.integers(2, 99))
def test_a_number_is_the_same_in_letters_and_in_figures(number: int) -> None:
    assert literals.numbers(f"the {grammar().number_to_words(number)} largest") == literals.numbers(f"the {number} largest")


def test_names_are_capitals_inside_a_sentence_words_in_capitals_and_known_people() -> None:
    text = "Ada here. Take it to Ostend on Friday. CSV, I'd say; I mean JSON: The rest is Maud's. (See below.) - And so on"
    assert literals.names(text, {"Ada"}) == ["Ada", "Ostend", "Friday", "CSV", "JSON", "Maud"]


def test_the_words_of_a_column_may_be_plural_or_as_files_spell_them() -> None:
    assert literals.has_column("all Delivery Dates there", "delivery date") and literals.has_column("by `delivery_date`", "delivery date")
    assert not literals.has_column("the dated ones", "date")


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    assert all(one.text for one in literals.literals(text, (), ("price",)) if one.kind != "quoted")
