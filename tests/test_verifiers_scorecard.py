"""Scorecards added up: the bars over the tasks that are shipped, rates with their intervals over all, reasons counted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.records import EquivalentScore, MutantScore, Scorecard
from verifiers import scorecard

DEMAND = MutantScore("demand", "a.b/tie", 0.8, 0.4, ("table",))


def card(rejected: str = "", operation: str = "a.b", **fields: Any) -> Scorecard:
    values: dict[str, Any] = {
        "solution": 1.0,
        "untouched": 0.0,
        "mutants": (MutantScore("empty", "", 0.0, 0.0, ("table", "tree")), DEMAND),
        "equivalents": (EquivalentScore("crlf", 1.0, ("table",)),),
    } | fields
    return Scorecard("x", rejected=rejected, operations=(operation,), task_digest="", verifier_digest="", **values)


def test_the_bars_are_about_what_is_shipped() -> None:
    bad = card("the mutant 'empty' passes", mutants=(MutantScore("empty", "", 1.0, 1.0, ("tree",)),), solution=0.5, untouched=0.5)
    figures = scorecard.summary([card(), card(), card(), bad])
    shipped = {
        "tasks": 4,
        "shipped": 3,
        "solution_pass_share": 1.0,
        "untouched_zero_share": 1.0,
        "mutants": 6,
        "mutants_passed": 0,
        "demand_mutant_mean": 0.4,
        "rejected_share": 0.25,
        "equivalents": 3,
        "equivalents_failed": 0,
        "junk_best_mean": 0.0,
        "junk_best_max": 0.0,
        "tamper_passed": 0,
        "rejected": {"the mutant 'empty' passes": 1},
        "demand_mutants": {"demand": {"tried": 3, "mean": 0.4}},
    }
    assert {k: figures[k] for k in shipped} == shipped


def test_a_task_that_should_not_be_shipped_shows_in_the_bars() -> None:
    wrong = (MutantScore("stub", "", 0.3), MutantScore("tampered-fitted", "", 1.0), MutantScore("echo", "", 0.1))
    figures = scorecard.summary([card(mutants=wrong, solution=0.9, untouched=0.1, equivalents=(EquivalentScore("bom", 0.0),)), card()])
    assert (figures["solution_pass_share"], figures["untouched_zero_share"]) == (0.5, 0.5)
    assert (figures["mutants_passed"], figures["tamper_passed"], figures["equivalents_failed"]) == (1, 1, 1)
    assert (figures["junk_best_mean"], figures["junk_best_max"]) == (0.15, 0.3)


def test_rates_count_every_task_by_kind_of_mutant_and_of_check() -> None:
    bad = card("passes", mutants=(MutantScore("empty", "", 1.0, 1.0, ("tree",)),), equivalents=(EquivalentScore("crlf", 0.0, ("table",)),))
    figures = scorecard.summary([card(), card(), card(), bad])
    assert {k: (v["tried"], v["rate"]) for k, v in figures["kill_by_mutant"].items()} == {"demand": (3, 1), "empty": (4, 0.75)}
    assert {k: (v["tried"], v["rate"]) for k, v in figures["kill_by_check"].items()} == {
        "all": (7, 0.857143),
        "table": (6, 1),
        "tree": (4, 0.75),
    }
    alarms = {"tried": 4, "rate": 0.25, "low": 0.045587, "high": 0.699358}
    assert figures["false_alarm_by_equivalent"] == {"crlf": alarms}
    assert figures["false_alarm_by_check"] == {"all": alarms, "table": alarms}


def test_the_worst_operation_is_one_with_enough_tasks_to_tell() -> None:
    cards = [card(operation="a.b")] * 38 + [card("no", operation="a.b")] * 2 + [card("no", operation="c.d")]
    assert scorecard.summary(cards)["rejected_share_worst_operation"] == 0.05


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ("the solution scores 0.25: out.csv: 1 of 2 rows; the untouched workspace scores 1", "the solution scores otherwise"),
        ("the equivalent 'crlf' scores 0", "the equivalent 'crlf' scores otherwise"),
        ("check 1-sum-rows: there is no kind 'x'", "a check is ill-formed"),
        ("the mutant 'demand a.b/tie' passes", "the mutant 'demand a.b/tie' passes"),
        ("the solution could not be graded: check 1: ValueError", "the solution could not be graded"),
    ],
)
def test_reasons_are_counted_without_what_is_particular(said: str, counted: str) -> None:
    assert scorecard.summary([card(said)])["rejected"] == {counted: 1}


@pytest.mark.parametrize(("true", "tried", "low", "high"), [(0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0), (81, 263, 0.2553, 0.36624)])
def test_wilsons_interval(true: int, tried: int, low: float, high: float) -> None:
    """The last one is an example of Newcombe's (Statistics in Medicine 17, 1998, table I, method 3)."""
    assert scorecard.wilson(true, tried) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_the_share_and_mirrors(counts: tuple[int, int]) -> None:
    true, tried = counts
    low, high = scorecard.wilson(true, tried)
    assert 0 <= low <= true / tried <= high <= 1
    assert scorecard.wilson(tried - true, tried) == pytest.approx((1 - high, 1 - low))


def test_nothing_tried_has_no_interval() -> None:
    with pytest.raises(ValueError, match="nothing"):
        scorecard.wilson(0, 0)
