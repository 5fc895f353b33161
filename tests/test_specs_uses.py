"""What would never come to a task is told when validating: nobody serves it, nobody uses it, nobody of its split can ask."""

from __future__ import annotations

from pathlib import Path

import tinyspecs

from specs import splits, validate

OPERATIONS = "skills/counting/operations.yaml"
SCENARIO = "specs/scenarios/market-day.yaml"
PERSONA = "personas/grocer.yaml"


def told(root: Path) -> list[str]:
    return [str(p) for p in validate.validate(root)[1]]


def test_an_operation_that_no_domain_serves_is_told_with_what_comes_nearest(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    tinyspecs.replace(root, OPERATIONS, "takes: {rows: {key: key}}", "takes: {rows: {key: key, span: span}}")
    assert (
        f"{OPERATIONS}:31:12: operations[1].takes: no domain has relations that serve it; nearest is till, which lacks sales: a column for span"
        in told(root)
    )


def test_a_domain_that_can_not_be_read_might_serve_it(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    tinyspecs.replace(root, OPERATIONS, "takes: {rows: {key: key}}", "takes: {rows: {key: key, span: span}}")
    (root / "specs/domains/other.yaml").write_text("name: [")
    assert not [line for line in told(root) if "no domain has relations" in line]


def idle_skill(root: Path) -> None:
    """A second skill, the twin of the first, that no scenario names."""
    for name in ("SKILL.md", "operations.yaml", "solutions/total.py", "solutions/once.py"):
        path = root / "skills/idling" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (root / "skills/counting" / name).read_text(encoding="utf-8")
        path.write_text(text.replace("counting", "idling"), encoding="utf-8")


def test_a_skill_that_asks_for_tasks_and_stands_in_no_workflow_is_told(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    idle_skill(root)
    assert told(root) == [
        "skills/idling/operations.yaml:2:8: tasks: no workflow has an operation of this skill, so it can have no tasks; "
        "name idling.total in a scenario, or write 0"
    ]
    tinyspecs.replace(root, "skills/idling/operations.yaml", "tasks: 1", "tasks: 0")
    assert told(root) == []


def test_a_scenario_whose_split_has_nobody_to_ask_is_told(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    tinyspecs.replace(root, SCENARIO, "domain: till", "domain: till\nsplit: bench")
    tinyspecs.replace(root, PERSONA, "circles: [small-firm]", "circles: [small-firm]\nsplit: train")
    assert told(root) == [
        f"{SCENARIO}:4:10: circles: this scenario belongs to bench, and no persona of small-firm does; "
        "add a circle or a persona, or write 'split: train'"
    ]
    tinyspecs.replace(root, SCENARIO, "split: bench", "split: train")
    assert told(root) == []


def test_a_split_follows_the_name_alone() -> None:
    names = [f"name-{n}" for n in range(400)]
    bench = [n for n in names if splits.split_of(n, {}, 0.3) == "bench"]
    assert 80 < len(bench) < 160
    assert set(bench) <= {n for n in names if splits.split_of(n, {}, 0.5) == "bench"}
    assert splits.split_of(bench[0], {"split": "train"}, 0.3) == "train"
