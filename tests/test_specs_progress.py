"""Progress where nobody sits at a terminal: lines that say how far, how fast, how long, and what else there is to tell."""

from __future__ import annotations

import re

import pytest

from specs import progress


@pytest.fixture(autouse=True)
def _every_item(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", 0.0)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [re.sub(r"[\d.]+(?=/s)|\d+(?= s left)", "_", line) for line in capsys.readouterr().err.splitlines()]


def test_each_line_says_how_far_and_what_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.track("rollout", 2) as advance:
        advance("120 tokens, cost 0.01")
        advance()
    assert lines(capsys) == ["rollout: 1 of 2, _/s, _ s left, 120 tokens, cost 0.01", "rollout: 2 of 2, _/s, _ s left"]


def test_what_was_done_before_is_neither_work_nor_rate(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.track("rollout", 4) as advance:
        advance(kept=True)
        advance()
        advance(kept=True)
        advance()
    assert lines(capsys)[0::2] == ["rollout: 1 of 3, _/s, _ s left", "rollout: 2 of 2, _/s, _ s left"]


def test_nothing_is_said_where_all_was_done_before(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.track("rollout", 2) as advance:
        advance(kept=True)
        advance(kept=True)
    assert lines(capsys) == []
