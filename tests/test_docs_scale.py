"""The figures of docs/scale.md follow from what it says was measured and assumed."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "scale.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("| `")]


def number(text: str) -> float:
    return float(text.replace(",", ""))


def name(cell: str) -> str:
    found = re.match(r"`(\w+)`", cell)
    assert found, cell
    return found[1]


GIVEN = {name(row[0]): number(row[1]) for row in ROWS if len(row) == 3}
FIGURES = [row for row in ROWS if len(row) == 4]


@pytest.mark.parametrize("column", [1, 2])
def test_each_figure_follows_from_those_above_it(column: int) -> None:
    known = dict(GIVEN)
    for row in FIGURES:
        said = number(row[column])
        if row[3] == "chosen":
            known[name(row[0])] = said
            continue
        formula = re.fullmatch(r"`([\w\s.()*/+-]+)`", row[3])
        assert formula, row
        made = eval(formula[1], {"__builtins__": {}, "ceil": math.ceil}, known)  # of this repository's own page
        assert said == pytest.approx(made, rel=0.03), row
        known[name(row[0])] = made


def test_there_is_something_to_check() -> None:
    assert len(GIVEN) > 10 and len(FIGURES) > 10
