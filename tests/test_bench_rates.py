"""The report page says for each kind how many wrong answers are caught and right ones refused, with the interval."""

from __future__ import annotations

from bench import rates, report
from specs.records import EquivalentScore, MutantScore, Scorecard
from verifiers import scorecard


def cards(caught: int, passed: int) -> list[Scorecard]:
    scores = [*[0.0] * caught, *[1.0] * passed]
    return [
        Scorecard(
            "x",
            1.0,
            0.0,
            (MutantScore("stub", "", s, s, ("table",)),),
            (EquivalentScore("bom", 1.0 - s, ("table",)),),
            "",
            ("a.b",),
            "",
            "",
        )
        for s in scores
    ]


def test_the_page_shows_rates_with_intervals_under_their_headings() -> None:
    html = report.page("t", {}, [], {"Scorecards": rates.readable(scorecard.summary(cards(999, 1)))})
    for heading in rates.HEADINGS.values():
        assert heading in html or heading == rates.HEADINGS["demand_mutants"]  # none of these mutants is of a demand
    assert "99.9 %" in html and "99.4 % to 99.98 %" in html  # caught
    assert "0.1 %" in html and "0.02 % to 0.6 %" in html  # refused


def test_what_is_least_sure_stands_first_below_all() -> None:
    found = {
        "kill_by_check": {
            "all": {"tried": 9, "rate": 1.0, "low": 0.9, "high": 1.0},
            "sure": {"tried": 8, "rate": 1.0, "low": 0.8, "high": 1.0},
            "unsure": {"tried": 1, "rate": 1.0, "low": 0.2, "high": 1.0},
        }
    }
    assert list(rates.readable(found)[rates.HEADINGS["kill_by_check"]]) == ["all", "unsure", "sure"]


def test_other_figures_stay_as_they_are() -> None:
    assert rates.readable({"tasks": 3, "rejected": {}, "older": {"x": {"tried": 1, "rate": 0.5}}}) == {
        "tasks": 3,
        "rejected": {},
        "older": {"x": {"tried": 1, "rate": 0.5}},
    }
