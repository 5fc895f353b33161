"""Columns that follow others, references to other relations, and what is unique together."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators import draw
from generators.relations import Relation

DOMAIN = {
    "name": "shop",
    "relations": {
        "orders": {
            "one": "order",
            "many": "orders",
            "rows": [30, 40],
            "columns": {
                "total": {"role": "measure", "decimals": 2, "draw": {"product": ["pieces", "price"]}},
                "reason": {"role": "text", "only": {"standing": ["lost"]}, "draw": {"pick": ["rain", "fire"]}},
                "order_no": {"role": "key", "draw": {"pattern": "O-{:04}"}},
                "arrived": {"role": "when", "draw": {"after": "ordered", "days": [2, 9]}},
                "ordered": {"role": "when", "blank": 0.2, "draw": {"dates": ["2026-01-01", "2026-03-01"]}},
                "pieces": {"role": "measure", "draw": {"integer": [1, 40], "shape": "low"}},
                "price": {
                    "role": "level",
                    "decimals": 2,
                    "draw": {"by": "ware", "of": {"rice": {"number": [1, 2], "step": 0.25}, "saffron": {"number": [50, 60], "step": 0.25}}},
                },
                "ware": {"role": "group", "draw": {"pick": ["rice", "saffron"]}},
                "standing": {"role": "state", "draw": {"weigh": {"sent": 3, "lost": 2}}},
                "buyer": {"role": "ref", "joins": "buyers", "orphans": 2, "blank": 0.1},
            },
        },
        "buyers": {
            "one": "buyer",
            "many": "buyers",
            "rows": [8, 8],
            "columns": {
                "buyer_no": {"role": "key", "draw": {"pattern": "B{:03}"}},
                "town": {"role": "group", "draw": {"pick": ["Aa", "Bb"]}},
            },
        },
        "shifts": {
            "one": "shift",
            "many": "shifts",
            "rows": [30, 30],
            "unique": ["who", "week"],
            "columns": {
                "who": {"role": "party", "draw": {"pick": ["Ann", "Bo", "Cy"]}},
                "week": {"role": "group", "draw": {"pick": ["w1", "w2", "w3"]}},
                "hours": {"role": "measure", "draw": {"integer": [1, 9]}},
            },
        },
        "scans": {
            "one": "scan",
            "many": "scans",
            "rows": [6, 6],
            "same": ["sent"],
            "repeats": 3,
            "columns": {
                "name": {"role": "path", "draw": {"name": "scan-{no}.txt"}},
                "no": {"role": "key", "draw": {"pattern": "P{:04}"}},
                "sent": {"role": "when", "draw": {"dates": ["2026-01-01", "2026-03-01"]}},
            },
        },
        "settings": {
            "one": "setting",
            "many": "settings",
            "tree": {f"door.{n}": {"integer": [1, 9]} for n in "abcdef"},
        },
        "rehearsal": {
            "one": "setting",
            "many": "settings",
            "like": "settings",
            "differs": {"missing": 2, "changed": 2, "adds": {"door.g": {"integer": [1, 9]}, "gate.a": {"pick": [True, False]}}},
        },
    },
}


def drawn(seed: int) -> dict[str, Relation]:
    return draw.draw(DOMAIN, list(DOMAIN["relations"]), "train", str(seed))


def rows_of(relation: Relation) -> list[dict]:
    return [dict(zip((c.name for c in relation.columns), row, strict=True)) for row in relation.rows]


@given(st.integers(0, 10_000))
def test_columns_follow_those_they_depend_on(seed):
    for row in rows_of(drawn(seed)["orders"]):
        assert (row["arrived"] is None) == (row["ordered"] is None)
        assert row["ordered"] is None or timedelta(2) <= row["arrived"] - row["ordered"] <= timedelta(9)
        assert row["total"] == row["pieces"] * row["price"]
        assert row["price"] < 3 if row["ware"] == "rice" else row["price"] > 40
        assert (row["reason"] is not None) == (row["standing"] == "lost")


@given(st.integers(0, 10_000))
def test_references_lead_to_parents_but_for_the_orphans(seed):
    relations = drawn(seed)
    known = set(relations["buyers"].values("buyer_no"))
    refs = [v for v in relations["orders"].values("buyer") if v is not None]
    strays = [v for v in refs if v not in known]
    assert len(strays) <= 2 < len(refs) - len(strays)
    assert known - set(refs), "somebody never buys"


@given(st.integers(0, 10_000))
def test_rows_are_unique_in_what_tells_them_apart(seed):
    rows = rows_of(drawn(seed)["shifts"])
    assert len({(r["who"], r["week"]) for r in rows}) == len(rows) >= 6


def test_low_shapes_are_mostly_low():
    pieces = [v for seed in range(20) for v in drawn(seed)["orders"].values("pieces")]
    assert sorted(pieces)[len(pieces) // 2] < Decimal(12) < max(pieces)


@pytest.mark.parametrize("column", ["price", "pieces"])
def test_a_columns_role_is_kept(column):
    found = drawn(1)["orders"]
    assert found.columns[found.index(column)].role == DOMAIN["relations"]["orders"]["columns"][column]["role"]


@given(st.integers(0, 10**6))
def test_a_file_that_lies_there_twice_has_a_name_of_its_own(seed):
    scans = draw.draw(DOMAIN, ["scans"], "train", str(seed))["scans"]
    assert len(scans.rows) == 9 and len(set(scans.values("name"))) == 9
    assert [f"scan-{no}.txt" for no in scans.values("no")] == scans.values("name")


@given(st.integers(0, 10**6))
def test_a_copy_of_settings_lacks_some_and_has_some_of_its_own(seed):
    drawn = draw.draw(DOMAIN, ["settings", "rehearsal"], "train", str(seed))
    ours, theirs = dict(drawn["settings"].rows), dict(drawn["rehearsal"].rows)
    assert set(theirs) - set(ours) == {"door.g", "gate.a"}
    assert len(set(ours) - set(theirs)) == 2
    assert len([p for p in ours if p in theirs and ours[p] != theirs[p]]) == 2
