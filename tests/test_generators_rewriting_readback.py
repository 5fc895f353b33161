"""The second call: what it asks, and that an answer other than the demand's own refuses the rewording."""

from __future__ import annotations

import dataclasses

import pytest
import rewording_making as made

from generators.rewriting import gate, readback
from generators.rewriting.readback import Questions
from generators.rewriting.records import Rewording

WORDING = made.wording()
GOOD = made.reworded()
ASKED = readback.questions(WORDING, GOOD)


def right(asked: Questions = ASKED) -> dict[str, list[str]]:
    """What a careful reader answers: each quote states its demand, the other pieces state nothing."""
    named: dict[str, list[str]] = {label: [] for label in asked.pieces}
    for demand, label in asked.quotes.items():
        named[label] += asked.own[demand]
    return named


def reasons(named: dict[str, list[str]]) -> set[str]:
    return {r.reason for r in readback.refusals(WORDING, ASKED, named)}


def test_a_careful_reader_passes() -> None:
    assert readback.refusals(WORDING, ASKED, right()) == []


def test_every_quote_and_every_sentence_is_asked_about() -> None:
    asked = {gate.flat(p) for p in ASKED.pieces.values()}
    assert {gate.flat(q) for q in GOOD.quotes.values()} <= asked
    assert {gate.flat(s) for p in GOOD.passages for s in readback.sentences(p)} <= asked


def test_the_statements_are_the_demands_the_story_and_contraries() -> None:
    told = set(ASKED.statements.values())
    assert {readback.statement(d) for d in WORDING.demands if d.step} <= told
    assert "No hurry." in told
    assert "the one with the highest sale no stays" in told and "that day itself excluded" in told
    assert {ASKED.statements[label] for label in ASKED.contraries} >= {"the one with the highest sale no stays"}


@pytest.mark.parametrize("name", [d.name for d in WORDING.demands])
def test_a_quote_named_as_another_demand_is_refused(name: str) -> None:
    named = right()
    other = next(labels for demand, labels in ASKED.own.items() if labels != ASKED.own[name] and not demand.endswith("originals"))
    named[ASKED.quotes[name]] = list(other)
    assert reasons(named) == {"named-otherwise"}


def test_a_quote_in_which_nothing_is_read_is_refused() -> None:
    assert reasons({**right(), ASKED.quotes["2-till.top/edge"]: []}) == {"named-otherwise"}


def test_a_piece_read_as_the_contrary_is_refused() -> None:
    named = right()
    label = next(label for label, text in ASKED.statements.items() if text == "the one with the highest sale no stays")
    named[ASKED.quotes["1-till.clean/survivor"]].append(label)
    assert reasons(named) == {"named-otherwise"}


def test_a_sentence_that_asks_for_more_is_refused() -> None:
    label = next(label for label, text in ASKED.pieces.items() if text == "No hurry.")
    assert reasons({**right(), label: ["other"]}) == {"asks-more"}


def test_a_reader_who_names_everything_does_not_pass() -> None:
    assert "named-otherwise" in reasons({label: [n for own in ASKED.own.values() for n in own] for label in ASKED.pieces})


@pytest.mark.parametrize("wrong", [{}, {"P1": ["S1"]}, {**right(), "P1": ["S999"]}])
def test_an_answer_that_is_not_one_is_refused(wrong: dict[str, list[str]]) -> None:
    assert reasons(wrong) == {"unreadable-reading"}


def test_the_questions_depend_on_the_task_and_the_words_alone() -> None:
    assert readback.questions(WORDING, GOOD) == ASKED
    other = readback.questions(dataclasses.replace(WORDING, id="ffffffffffff"), GOOD)
    assert set(other.statements.values()) == set(ASKED.statements.values()) and other.statements != ASKED.statements


def test_the_same_form_of_two_files_may_be_named_in_either_words() -> None:
    """`as CSV` and `written as CSV` mean the same."""
    first, second = (
        next(d for d in WORDING.demands if d.name == "1-table/form"),
        next(d for d in WORDING.demands if d.name == "2-table/form"),
    )
    alike = dataclasses.replace(second, saying="written as CSV", literals=first.literals)
    wording = dataclasses.replace(WORDING, demands=tuple(alike if d == second else d for d in WORDING.demands))
    asked = readback.questions(wording, Rewording(GOOD.opening, GOOD.steps, GOOD.closing, GOOD.quotes))
    assert {asked.statements[label] for label in asked.own["1-table/form"]} == {"as CSV", "written as CSV"}
    assert asked.own["1-table/form"] == asked.own["2-table/form"]


def test_what_the_compiled_words_say_themselves_is_no_contrary() -> None:
    """The symptom of a bug may be the contrary of what is asked for."""
    story = f"{made.OPENING} So far the one with the highest sale no stays, which is wrong."
    asked = readback.questions(made.wording(opening=story), GOOD)
    assert "the one with the highest sale no stays" not in {asked.statements[label] for label in asked.contraries}


def test_what_holds_of_several_files_is_shown_with_its_sentence() -> None:
    """`as CSV` alone does not tell of which files."""
    assert "in no more than 50 words (in full: “Write to Maud in no more than 50 words.”)" in ASKED.statements.values()
    assert "The originals stay untouched, please" in ASKED.statements.values()


@pytest.mark.parametrize(
    ("saying", "turned"),
    [
        ("the one with the lowest key stays", "the one with the highest key stays"),
        ("that day itself counts", "that day itself does not count"),
        ("start included, end excluded", "start excluded, end excluded"),
        ("all those missing from `b.csv`", "all those present from `b.csv`"),
        ("with no columns but `a`", ""),
        ("if `x` is blank, it counts", "if `x` is not blank, it counts"),
        ("the day itself is not late yet", "the day itself is late yet"),
        ("with exactly the columns `a` and `b`", ""),
        ("in the `first` file", ""),
        ("as CSV", ""),
    ],
)
def test_contraries(saying: str, turned: str) -> None:
    assert readback.contrary(saying) == turned
