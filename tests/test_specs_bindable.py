"""Binding foreseen from the YAML alone is the binding that the compiler does with drawn rows."""

from __future__ import annotations

import random
from typing import Any

import pytest

from generators import chain, database, draw
from generators.operate import Unfit
from generators.questions import Database
from generators.relations import Relation
from specs import bindable, catalogue
from specs.catalogue import Operation

CATALOGUE = catalogue.load()


def bound(db: Database, spec: dict[str, Any], relations: dict[str, Relation], operation: Operation) -> bool:
    """Whether the compiler finds a relation with the roles; too few values or an empty answer are another matter."""
    try:
        chain.arrange(db, [operation], spec, dict(relations), random.Random(1))
    except Unfit as error:
        return "no relation of" not in str(error) and "no column with" not in str(error)
    return True


def foreseen(domain: str, operations: list[str]) -> bool:
    entries = [CATALOGUE.operation(o).spec.value for o in operations]
    return bindable.unbindable(CATALOGUE.domains[domain]["relations"], entries) is None


@pytest.mark.parametrize("domain", CATALOGUE.domains)
def test_what_is_foreseen_is_what_the_compiler_does(domain: str) -> None:
    spec = CATALOGUE.domains[domain].value
    relations = draw.draw(spec, list(spec["relations"]), "train", "bindable")
    with database.connect() as db:
        for operation in CATALOGUE.operations():
            assert foreseen(domain, [operation.id]) == bound(db, spec, relations, operation), operation.id


@pytest.mark.parametrize("domain", CATALOGUE.domains)
def test_a_domain_lacks_something_for_just_the_operations_that_it_does_not_serve(domain: str) -> None:
    relations = CATALOGUE.domains[domain]["relations"]
    for operation in CATALOGUE.operations():
        assert bool(bindable.lacking(relations, operation.spec.value)) != foreseen(domain, [operation.id]), operation.id


def test_what_is_lacking_is_told_of_the_nearest_relation() -> None:
    relations = {
        "near": {"columns": {"no": {"role": "key"}, "day": {"role": "when"}}},
        "far": {"columns": {"text": {"role": "text"}}},
        "copy": {"like": "near", "differs": {"missing": 1}},
    }
    operation = {"takes": {"rows": {"key": "key", "span": ["span", "measure"]}, "limits": {"key": "key"}}, "yields": {"as": "table"}}
    assert bindable.lacking(relations, operation) == [
        "near: a column for span or measure",
        "near: a relation that belongs to it by `per` with the roles of limits",
    ]


def test_a_yield_is_taken_by_a_later_step() -> None:
    """No relation of messages has a number to rank; a tally of them has."""
    relations = {"mails": {"columns": {"no": {"role": "key"}, "from": {"role": "party"}}}}
    tally = {
        "takes": {"rows": {"party": "party"}},
        "truth": "SELECT party, count(*) AS n FROM rows GROUP BY party",
        "yields": {"as": "table", "columns": {"party": "party", "n": {"role": "measure"}}},
    }
    rank = {
        "takes": {"rows": {"party": "party", "measure": "measure"}},
        "truth": "SELECT * FROM rows",
        "yields": {"as": "table", "columns": "same"},
    }
    assert bindable.unbindable(relations, [tally, rank]) is None
    assert bindable.unbindable(relations, [rank, tally]) == (0, "takes party, measure")
    assert bindable.unbindable(relations, [tally, rank, {**rank, "needs": {"rows": "same"}}]) == (2, "takes party, measure and `same`")


def test_what_needs_a_site_takes_a_relation_that_is_one_and_no_earlier_step() -> None:
    columns = {"no": {"role": "key"}, "x": {"role": "measure"}}
    rank = {"takes": {"rows": {"measure": "measure"}}, "truth": "SELECT * FROM rows", "yields": {"as": "table", "columns": "same"}}
    visit = {**rank, "needs": {"rows": "site"}}
    filed, published = {"columns": columns, "formats": ["csv"]}, {"columns": columns, "formats": ["csv", "site"]}
    assert bindable.unbindable({"a": filed, "b": published}, [rank, visit, rank]) is None
    assert bindable.unbindable({"a": filed}, [rank, visit]) == (1, "takes measure of a relation with the format site")
    assert bindable.lacking({"a": filed}, visit) == ["a: the format 'site'"]


def test_a_partner_is_derived_from_what_the_first_input_was_drawn_as() -> None:
    relations = {
        "a": {"columns": {"no": {"role": "key"}, "x": {"role": "measure"}}},
        "b": {"columns": {"no": {"role": "key"}, "day": {"role": "when"}}},
        "copy": {"like": "a", "differs": {"missing": 1}},
    }
    compare = {
        "takes": {"rows": {"key": "key"}, "other": {"key": "key"}},
        "truth": "SELECT * FROM rows",
        "yields": {"as": "table", "columns": "same"},
    }
    dated = {**compare, "takes": {"rows": {"key": "key", "when": "when"}, "other": {"key": "key"}}}
    assert bindable.unbindable(relations, [compare]) is None
    stuck = bindable.unbindable(relations, [dated])
    assert stuck is not None and stuck[0] == 0
