"""Accepting operations: sound ones pass in a real box, each kind of mistake is told at its place, and draws are hostile and repeatable."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from generators import accept, clauses, database, hostile
from sandbox import box
from specs import catalogue, located
from specs.catalogue import Catalogue, Operation
from specs.errors import BoundaryError
from specs.store import Store

DRAWS = 24


@functools.cache
def specs() -> Catalogue:
    return catalogue.load()


def changed(identity: str, solution: str | None = None, **values: Any) -> Operation:
    """An operation of the repository with parts of its entry replaced."""
    operation = specs().operation(identity)
    spec = dataclasses.replace(operation.spec, value={**operation.spec.value, **values})
    return dataclasses.replace(operation, spec=spec, solution=solution or operation.solution)


def without(identity: str, demand: str) -> Operation:
    demands = specs().operation(identity).spec["demands"]
    return changed(identity, demands={n: d for n, d in demands.items() if n != demand})


def told(operation: Operation, domains: tuple[str, ...] = ("expenses", "server-room"), draws: int = DRAWS) -> list[tuple[str, str]]:
    """(part of the entry, what is wrong) of each complaint."""
    chosen = [specs().domains[d].value for d in domains]
    found = accept.accept(operation, chosen, draws, "a seed")
    return [(located.dotted(c.steps), c.what) for c in found.complaints]


@pytest.mark.parametrize(
    "identity",
    [
        "ledger.top",
        "ledger.dedupe",
        "reconcile.apply-corrections",
        "settings.apply",
        "mending.ranking",
        "features.running",
        "testing.spread",
    ],
)
def test_sound_operations_are_accepted(identity: str) -> None:
    assert told(specs().operation(identity)) == []


@pytest.mark.parametrize("identity", ["web.latest", "web.compare", "ledger.total"])
def test_sites_take_part_and_are_read_in_the_box(identity: str) -> None:
    operation = specs().operation(identity)
    with database.connect() as db:
        tried = list(hostile.trials(db, operation, [specs().domains["market-stalls"].value], "a seed", DRAWS))
    forms = Counter(t.form for t in tried)
    assert forms["site"] == DRAWS if identity.startswith("web.") else len(forms) > forms["site"] > 0
    assert told(operation, ("market-stalls",)) == []


def test_a_solution_that_misreads_a_site_is_told() -> None:
    first_page = "result = sorted((r for r in rows[:8] if r['state'] == val), key=lambda r: r['key'])"
    ((where, what),) = told(changed("web.collect", first_page), ("market-stalls",))
    assert where == "solution" and "market-stalls's stalls as site" in what


def test_an_operation_that_needs_a_site_is_not_tried_on_files() -> None:
    assert told(specs().operation("web.collect"), ("expenses",)) == [("takes", "no domain has relations that serve it")]


def test_a_wrong_solution_is_told_with_a_small_example() -> None:
    ((where, what),) = told(changed("ledger.since", "result = [r for r in rows if r['when'] is not None and r['when'] > day]"))
    assert where == "solution"
    assert "truth and solution disagree on" in what
    assert "the solution gives nothing" in what  # shrunk to the one row on the day itself
    assert "more:" not in what


def test_a_solution_that_breaks_is_told_by_its_error() -> None:
    ((where, what),) = told(changed("ledger.pick", "result = [r for r in rows if undefined_name]"))
    assert where == "solution"
    assert "NameError" in what


def test_sql_whose_rows_hang_on_the_order_of_its_input_is_told_where_it_stands() -> None:
    first = specs().operation("citing.first").spec
    open_mutant = {"sql": 'SELECT "group", max_by(key, "at") AS first, max(key) AS last FROM rows GROUP BY "group"'}
    open_demand = {**first["demands"]["each"], "mutant": open_mutant}
    mutant = changed("citing.first", demands={**first["demands"], "each": open_demand})
    truth = changed("citing.first", truth=first["truth"].replace('ORDER BY "at", key)', 'ORDER BY "at")'))
    for operation, place in ((mutant, "demands.each.mutant"), (truth, "truth")):
        (what,) = [what for where, what in told(operation, ("household-contracts",)) if where == place and "in another order" in what]
        assert "down to the key; e.g. household-contracts's meter-log: " in what
    assert told(specs().operation("citing.first"), ("household-contracts",)) == []


@pytest.mark.parametrize(
    ("identity", "demand", "clause"),
    [
        ("ledger.top", "tie", "key"),
        ("ledger.top", "count", "LIMIT $n"),
        ("ledger.pick", "choice", "state = $val"),
        ("reconcile.missing", "absent", "ANTI"),
        ("mailbox.latest", "latest", "party"),
    ],
)
def test_a_clause_that_no_demand_speaks_of_is_told(identity: str, demand: str, clause: str) -> None:
    found = told(without(identity, demand), ("expenses", "repair-cafe"))
    assert ("truth", f"no demand speaks of {clause}; add one whose mutant leaves it out") in found


def test_a_mutant_that_is_always_right_is_told() -> None:
    demands = specs().operation("ledger.pick").spec["demands"]
    same = {**demands, "choice": {**demands["choice"], "mutant": {"sql": "SELECT * FROM rows WHERE $val = state"}}}
    assert ("demands.choice.mutant", f"the mutant gives the right answer on all {DRAWS} draws") in told(
        changed("ledger.pick", demands=same)
    )


def test_a_witness_that_brings_nothing_out_is_told() -> None:
    demands = specs().operation("ledger.top").spec["demands"]
    idle = {**demands, "tie": {**demands["tie"], "witness": "SELECT * REPLACE (state || '?' AS state) FROM rows WHERE state <> $val"}}
    assert [where for where, _ in told(changed("ledger.top", demands=idle))] == ["demands.tie.witness"]


def test_sql_that_fails_is_told_where_it_stands() -> None:
    ((where, what),) = told(changed("ledger.pick", truth="SELECT * FROM rows WHERE stat = $val"))
    assert where == "truth"
    assert "stat" in what


def test_an_operation_that_nothing_serves_is_told() -> None:
    assert told(specs().operation("mailbox.from"), ("seed-stock",)) == [("takes", "no domain has relations that serve it")]


def test_a_truth_that_yields_nothing_is_told_with_an_example() -> None:
    ((where, what),) = told(changed("ledger.since", truth='SELECT * FROM rows WHERE "when" >= $day AND "when" < $day'), ("expenses",))
    assert where == "truth"
    assert what.startswith("yields nothing on any of 8 draws; e.g. expenses's expenses with day = 2026-")


def test_a_truth_that_gives_its_input_back_is_told() -> None:
    ((where, what),) = told(changed("ledger.since", truth='SELECT * FROM rows WHERE "when" >= $day OR true'), ("expenses",))
    assert where == "truth"
    assert what.startswith("changes nothing on any of 8 draws; e.g. expenses's expenses with day = 2026-")


def test_parameters_that_no_draw_offers_are_told() -> None:
    params = {"val": {"from": "rows.state", "leaves": 90}}
    assert told(changed("ledger.pick", params=params), ("expenses",)) == [
        ("takes", "none of 8 draws serves it; most often: no value of rows.state leaves 90 rows")
    ]


def test_a_package_that_is_wrong_and_a_fault_that_never_shows_are_told() -> None:
    spec = specs().operation("mending.totals").spec
    idle = {"name": "idle", "swap": ["counts = {}", "counts = dict()"], "symptom": "nothing at all is wrong"}
    assert told(changed("mending.totals", faults=[*spec["faults"], idle])) == [
        (f"faults[{len(spec['faults'])}]", f"the fault 'idle' shows on none of {DRAWS} draws")
    ]
    (where, what), *_ = told(changed("mending.totals", truth=spec["truth"].replace("total DESC", "total")))
    assert where == "source"
    assert "the package and the truth disagree on" in what


def test_a_feature_that_is_written_wrongly_is_told() -> None:
    spec = specs().operation("features.best").spec
    (where, what), *_ = told(changed("features.best", truth=spec["truth"].replace("measure DESC", "measure")))
    assert (where, "the package and the truth disagree on" in what) == ("source", True)


def test_tests_that_miss_a_fault_or_catch_it_twice_are_told() -> None:
    operation = specs().operation("testing.spread")
    faults = [f["name"] for f in operation.spec["faults"]]
    blind = operation.solution.replace('[entry("a", "9.00", "10.00", "1.00")]', "spread(given)")
    assert told(changed("testing.spread", blind)) == [
        (f"faults[{faults.index('as-text')}]", "the tests do not notice the fault 'as-text'"),
    ]
    twice = operation.solution.replace(
        "    def test_nothing",
        "    def test_lone(self):\n        self.assertEqual(spread(rows(('a', '1.00'))), [])\n\n    def test_nothing",
    )
    assert told(changed("testing.spread", twice)) == [("demands.single", "without test_single the tests notice its fault all the same")]


def test_tests_that_ask_for_more_than_the_contract_are_told() -> None:
    operation = specs().operation("testing.monthly")
    picky = operation.solution.replace(
        "        self.assertEqual(monthly([]), [])",
        '        self.assertIn(\'def monthly(rows):\\n    \\"\\"\\"One\', open(__file__).read())',
    )
    assert [where for where, _ in told(changed("testing.monthly", picky))][:2] == ["solution", "solution"]


def test_a_second_version_that_is_wrong_is_told() -> None:
    operation = specs().operation("testing.monthly")
    wrong = dataclasses.replace(operation, second=operation.second.replace("len(amounts)", "len(amounts) + 1"))
    places = {where for where, _ in told(wrong)}
    assert {"second", "solution"} <= places


def test_complaints_are_located_in_the_file() -> None:
    operation = specs().operation("ledger.top")
    (problem,) = accept.problems(operation, [accept.Complaint(("demands", "tie", "mutant"), "wrong")])
    line = Path(problem.path).read_text(encoding="utf-8").splitlines()[problem.line - 1]
    assert line.strip().startswith("mutant:")
    assert problem.where.endswith("demands.tie.mutant")


def test_what_was_found_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "store.sqlite")
    section = {"draws": 8, "seed": 3}
    first = accept.make(specs(), specs().operation("ledger.pick"), section, store)
    monkeypatch.setattr(box, "open_box", lambda *_: pytest.fail("run again"))
    assert accept.make(specs(), specs().operation("ledger.pick"), section, store) == first
    store.close()


def test_the_key_changes_with_the_solution_and_with_the_draws() -> None:
    operation = specs().operation("ledger.pick")
    other = dataclasses.replace(operation, spec=dataclasses.replace(operation.spec, digest="0" * 64))
    section = {"draws": 8, "seed": 3}
    keys = {
        accept.key(specs(), operation, section),
        accept.key(specs(), other, section),
        accept.key(specs(), operation, {**section, "draws": 9}),
    }
    assert len(keys) == 3


def test_a_box_that_is_over_is_the_machinery_failing() -> None:
    with pytest.raises(BoundaryError) as error:
        accept.outcomes({"d0": {"solve.script": b"import os\nos.kill(os.getpid(), 9)"}})
    assert error.value.boundary == "box"


def trials(identity: str, count: int = 40, seed: str = "s") -> list[hostile.Trial]:
    domains = [d.value for d in specs().domains.values()]
    with database.connect() as db:
        return list(hostile.trials(db, specs().operation(identity), domains, seed, count))


def test_draws_are_the_same_for_the_same_seed_and_others_for_another() -> None:
    first, again, other = (
        [(t.domain, t.form, t.files(), t.answer.content) for t in trials("ledger.over-limit", 6, s)] for s in ("x", "x", "y")
    )
    assert first == again
    assert first != other


def test_draws_take_turns_over_domains_and_formats_and_have_ties() -> None:
    made = trials("ledger.total")
    assert {"csv", "tsv", "json", "jsonl", "yaml", "md"} <= {t.form for t in made}
    assert len({t.domain for t in made}) > 5
    totals = [[row[1] for row in t.answer.rows] for t in made]
    assert sum(len(set(values)) < len(values) for values in totals) > len(made) / 8
    assert any(None in t.bases[t.main].values(t.step.inputs["rows"].names["measure"]) for t in made)


def test_clauses_are_found_with_the_query_without_them() -> None:
    sql = "SELECT DISTINCT a FROM rows JOIN other ON rows.k = other.k AND rows.n > 1 WHERE a = 1 AND b < 2 GROUP BY a HAVING sum(b) > 3 ORDER BY a DESC, b LIMIT 5"
    found = clauses.clauses(sql)
    assert Counter(c.kind for c in found) == {"condition": 4, "match": 1, "order": 2, "limit": 1, "distinct": 1}
    by_text = {c.text: c for c in found}
    assert "WHERE TRUE AND b < 2" in by_text["a = 1"].without[0]
    assert "WHERE NOT (a = 1) AND b < 2" in by_text["a = 1"].without[1]
    assert "ORDER BY a DESC LIMIT 5" in by_text["b"].without[0]
    assert "LIMIT" not in by_text["LIMIT 5"].without[0]


def test_a_mutant_speaks_of_what_it_lacks_or_alters_and_of_nothing_else() -> None:
    truth = "SELECT * FROM rows WHERE a = $x AND b IS NOT NULL ORDER BY a DESC, key"
    altered = truth.replace("a DESC, key", "a DESC, key DESC").replace("AND b IS NOT NULL", "")
    spoken = {c.text for c in clauses.clauses(truth) if clauses.speaks(truth, altered, c)}
    assert spoken == {"key", "NOT b IS NULL"}


def test_the_fit_of_every_operation_is_wide_enough() -> None:
    fits = {o.id: accept.fitting(specs(), o) for o in specs().operations()}
    assert all(fits.values())
