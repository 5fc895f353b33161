"""Who can be asked: each circle has people in both splits, and no two people say the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from generators.plan import split_of
from specs import catalogue, params
from specs.catalogue import Spec

ROOT = Path(__file__).parent.parent
PERSONAS = list(catalogue.load(ROOT).personas.values())
CIRCLES = yaml.safe_load((ROOT / "specs/taxonomy.yaml").read_text(encoding="utf-8"))["circles"]
SHARE = params.section("compile", ROOT / "params.yaml")["bench_share"]
FEWEST = {"train": 3, "bench": 2}


def living_in(circle: str, split: str) -> list[Spec]:
    return [p for p in PERSONAS if circle in p["circles"] and split_of(p, SHARE) == split]


@pytest.mark.parametrize("split", FEWEST)
@pytest.mark.parametrize("circle", CIRCLES)
def test_a_circle_has_people_in_each_split(circle: str, split: str) -> None:
    assert len(living_in(circle, split)) >= FEWEST[split]


@pytest.mark.parametrize("split", FEWEST)
@pytest.mark.parametrize("circle", CIRCLES)
def test_somebody_in_a_circle_lets_files_be_edited(circle: str, split: str) -> None:
    """Otherwise no task of that split could edit in place."""
    assert [p.name for p in living_in(circle, split) if not p["habits"].get("leave_originals", False)]


@pytest.mark.parametrize("part", ["opens", "closes"])
def test_no_two_people_say_the_same(part: str) -> None:
    said = Counter(text.lower().strip(" .!") for p in PERSONAS for text in p.get(part, []))
    assert [text for text, times in said.items() if times > 1] == []
