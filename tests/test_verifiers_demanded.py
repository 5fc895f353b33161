"""The sentence of an instruction that demands a check."""

from __future__ import annotations

from typing import Any

import pytest

from specs.records import Check
from verifiers.demanded import sentence

ASKED = """Hello, it's me.

1. Take `in/May list.csv` as it is. From it I want `out/sums.csv`: 3.5 or more, no. 4 first.
2. Sort `mail/` into folders. The `shop` package has a fault!

Put the rest from `out/sums.csv` into `out/rest.json`, please."""


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"path": "out/sums.csv"}, "From it I want `out/sums.csv`:"),
        ({"path": "out/rest.json"}, "Put the rest from `out/sums.csv` into `out/rest.json`, please."),
        ({"path": "in/May list.csv"}, "Take `in/May list.csv` as it is."),
        ({"under": "mail", "expect": [{"path": "mail/a/1.eml", "digest": "x"}]}, "Sort `mail/` into folders."),
        ({"under": "", "expect": [{"path": "mail/a/1.eml", "digest": "x"}]}, ""),
        ({"under": "shop", "module": "shop/prices.py"}, "The `shop` package has a fault!"),
        ({"under": "shop", "tests": "shop/test_prices.py"}, "The `shop` package has a fault!"),
        ({"path": "nowhere/x.csv"}, ""),
        ({"under": ""}, ""),
        ({"path": "sums.csv"}, ""),
        ({"path": "out/sums"}, ""),
        ({"path": "out"}, ""),
        ({"under": "in"}, ""),
        ({"path": "out/more.csv"}, ""),
    ],
)
def test_it_is_the_first_that_names_what_is_looked_at(params: dict[str, Any], said: str) -> None:
    assert sentence(ASKED, Check("c", "table", params, 1.0, "x.y")) == said
