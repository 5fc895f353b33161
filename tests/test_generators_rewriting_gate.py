"""The gate: a faithful rewording passes; one that loses or adds anything is refused, and told why."""

from __future__ import annotations

import dataclasses

import pytest
import rewording_making as made
from hypothesis import given
from hypothesis import strategies as st

from generators.rewriting import gate
from generators.rewriting.records import Rewording

WORDING = made.wording()
GOOD = made.reworded()


def reasons(new: Rewording) -> set[str]:
    return {r.reason for r in gate.refusals(WORDING, new)}


def test_a_faithful_rewording_passes() -> None:
    assert gate.refusals(WORDING, GOOD) == []


def test_the_compiled_words_pass() -> None:
    assert gate.refusals(WORDING, gate.compiled(WORDING)) == []


@pytest.mark.parametrize("name", [d.name for d in WORDING.demands])
def test_a_demand_that_is_not_quoted_is_refused(name: str) -> None:
    new = dataclasses.replace(GOOD, quotes={n: q for n, q in GOOD.quotes.items() if n != name})
    assert [(r.reason, r.steps) for r in gate.refusals(WORDING, new)] == [("lost-demand", ("quotes",))]


@pytest.mark.parametrize(
    ("old", "other", "wanted"),
    [
        ("`results/top.json`", "the usual file", {"lost-path", "quote-lacks-literal"}),
        ("`results/top.json`", "`results/best.json`", {"lost-path", "added-path", "quote-lacks-literal"}),
        ("“open”", "“pending”", {"lost-quoted", "quote-lacks-literal"}),
        ("the two of", "the three of", {"lost-number", "added-number", "quote-lacks-literal"}),
        ("the two of", "those of", {"lost-number", "quote-lacks-literal"}),
        ("2026-03-09", "9 March 2026", {"lost-number", "added-number", "added-name", "quote-lacks-literal"}),
        ("Maud", "my sister", {"lost-name", "quote-lacks-literal"}),
        ("in Ostend", "at the coast", {"lost-name"}),
        ("CSV", "text", {"lost-name", "quote-lacks-literal"}),
        ("sale no", "number", {"quote-lacks-literal"}),
        ("No hurry.", "No hurry, you have 3 days.", {"added-number"}),
        ("No hurry.", "No hurry, take a dozen days.", {"added-number"}),
        ("No hurry.", "No hurry. A copy for Jonas would be nice.", {"added-name"}),
        ("No hurry.", "No hurry. And empty `shop/old`.", {"added-path"}),
        ("No hurry.", "No hurry. And empty shop/old.", {"added-path"}),
        ("No hurry.", "No hur\u200bry.", {"characters"}),
        ("No hurry.", "No hurry `.", {"characters"}),
        ("No hurry.", "No hurry. " + "Well. " * 200, {"length"}),
    ],
)
def test_what_is_lost_or_added_is_refused(old: str, other: str, wanted: set[str]) -> None:
    assert reasons(made.changed(GOOD, old, other)) == wanted


def test_two_in_letters_may_become_2_in_figures() -> None:
    assert reasons(made.changed(GOOD, "the two of", "the 2 of")) == set()


def test_a_quote_has_to_occur() -> None:
    assert reasons(made.changed(GOOD, "hands off", "keep away from", quotes=False)) == {"quote-not-there"}


def test_a_quote_counts_only_in_its_own_step() -> None:
    """The forms of two files can't change places."""
    swapped = dataclasses.replace(
        GOOD,
        steps=(
            GOOD.steps[0].replace("plain CSV", "saved as JSON"),
            GOOD.steps[1].replace("save them as JSON", "save them as plain CSV"),
        ),
        quotes={**GOOD.quotes, "1-table/form": "plain CSV", "2-table/form": "as JSON"},
    )
    assert reasons(swapped) == {"quote-not-there"}


def test_what_holds_of_all_steps_is_not_said_within_one() -> None:
    moved = dataclasses.replace(
        GOOD,
        steps=(f"{GOOD.steps[0]} Hands off my originals there.", GOOD.steps[1]),
        closing=GOOD.closing.replace("And hands off my originals. ", ""),
    )
    assert reasons(moved) == {"quote-not-there"}


def test_the_order_of_columns_stays() -> None:
    assert reasons(made.changed(GOOD, "`sale_no`, `buyer`, `price`", "`buyer`, `sale_no`, `price`")) == {"quote-lacks-literal"}


def test_two_demands_cannot_share_a_quote() -> None:
    words = "keep whichever has the lowest sale no"
    new = dataclasses.replace(GOOD, quotes={**GOOD.quotes, "1-till.clean/alike": words})
    assert "quote-shared" in reasons(new)


def test_a_quote_of_everything_shows_nothing() -> None:
    new = dataclasses.replace(GOOD, quotes={**GOOD.quotes, "1-table/form": GOOD.steps[0]})
    assert reasons(new) == {"quote-too-long"}


def test_each_step_has_its_words() -> None:
    assert reasons(dataclasses.replace(GOOD, steps=GOOD.steps[:1])) == {"steps"}
    assert reasons(dataclasses.replace(GOOD, steps=(GOOD.steps[0], " "))) == {"steps"}


def test_a_demand_that_the_task_lacks_is_refused() -> None:
    assert reasons(dataclasses.replace(GOOD, quotes={**GOOD.quotes, "3-till.none/x": "so"})) == {"unknown-demand"}


@given(st.data())
def test_no_passage_can_be_cut_out_unnoticed(data: st.DataObject) -> None:
    """Any cut through a literal of a demand is refused."""
    demand = data.draw(st.sampled_from([d for d in WORDING.demands if any(one.kind == "path" for one in d.literals)]))
    literal = data.draw(st.sampled_from([one for one in demand.literals if one.kind == "path"]))
    start = data.draw(st.integers(0, len(literal.text) - 1))
    cut = literal.text[:start] + literal.text[start + 1 :]
    new = made.changed(GOOD, f"`{literal.text}`", f"`{cut}`" if cut else "it")
    assert "quote-lacks-literal" in reasons(new)
