"""Stability: what is inserted in the middle of its list changes the tasks that use it and no other.

All on the repository's own specs, copied to a folder and edited there. Plans and keys are compared over all tasks, and more of them
than are drawn by default; bytes over a sample.
"""

from __future__ import annotations

import functools
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import tinyspecs
import yaml

from generators import compile, task
from generators.plan import Plan, plans
from specs import catalogue, digests
from specs.catalogue import Catalogue

ROOT = tinyspecs.REPOSITORY
SHARE, SEED = 0.3, 7
MANY = 10.0  # times the quotas, for plans
SAMPLE = 6
INSTEAD = "mmm-in-the-middle"


def copied(folder: Path) -> Path:
    """The spec tree, without any code, in a folder of its own."""
    for name in ("personas", "skills", "specs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.py", "__pycache__") if name == "specs" else None)
    shutil.copy(ROOT / "params.yaml", folder)
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return copied(tmp_path / "tree")


@functools.cache
def specs() -> Catalogue:
    return catalogue.load(ROOT)


def planned(of: Catalogue, scale: float = MANY) -> dict[str, Plan]:
    return {p.id: p for p in plans(of, scale, SHARE)}


@functools.cache
def before() -> dict[str, Plan]:
    return planned(specs())


def moved(after: dict[str, Plan]) -> set[str]:
    """Ids of tasks of before whose plan is another, or that are not planned any more."""
    return {i for i, plan in before().items() if after.get(i) != plan}


def keys(of: Catalogue, wanted: dict[str, Plan]) -> dict[str, str]:
    return {i: compile.key(of, plan, SEED) for i, plan in wanted.items()}


def touched(other: Catalogue, after: dict[str, Plan]) -> set[str]:
    """Ids of tasks that would be compiled anew."""
    old, new = keys(specs(), before()), keys(other, after)
    return {i for i in old if old[i] != new.get(i)}


def bytes_of(of: Catalogue, plan: Plan) -> str:
    """Digest of all that a plan comes to but its provenance, which names what else stands in an entry."""
    result = task.build(of, plan, SEED, {})
    if isinstance(result, task.Rejected):
        return digests.digest(result)
    return digests.digest([result.task, result.verifier, result.solution, result.candidates])


@functools.cache
def built(plan: Plan) -> str:
    """The same of the specs as they are."""
    return bytes_of(specs(), plan)


def assert_same_bytes(other: Catalogue, wanted: Iterable[Plan]) -> None:
    """Some of the tasks, built from the edited tree without any store, are what they were."""
    few = sorted(wanted, key=lambda p: p.id)
    few = few[:: max(1, len(few) // SAMPLE)][:SAMPLE]
    assert few
    for plan in few:
        assert bytes_of(other, plan) == built(plan), plan


class Plain(yaml.SafeDumper):
    """Writes every value out: specs know no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def rewritten(path: Path, change: Callable[[Any], object]) -> None:
    """Change a YAML file's value in place."""
    value = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(value)
    path.write_text(yaml.dump(value, Dumper=Plain, sort_keys=False, allow_unicode=True), encoding="utf-8")


def into_the_middle(items: list[Any], item: Any) -> None:
    items.insert(len(items) // 2, item)
    assert items[0] is not item and items[-1] is not item


def cloned(folder: Path, which: str) -> Path:
    """A YAML of the folder again, under a name in the middle of the list."""
    new = folder / f"{INSTEAD}.yaml"
    shutil.copy(folder / f"{which}.yaml", new)
    rewritten(new, lambda value: value.update(name=INSTEAD))
    assert min(folder.glob("*.yaml")) < new < max(folder.glob("*.yaml"))
    return new


def common_scenario() -> str:
    """One that the skill route chooses often."""
    return Counter(p.scenario for p in before().values() if p.route == "skill").most_common(1)[0][0]


@pytest.mark.slow
def test_an_inserted_scenario_changes_only_the_tasks_that_it_wins(tree: Path) -> None:
    cloned(tree / "specs/scenarios", common_scenario())
    other = catalogue.load(tree)
    after = planned(other)
    won = moved(after)
    assert won and all(after[i].scenario == INSTEAD for i in won)
    assert touched(other, after) == won
    assert {p.owner for i, p in after.items() if i not in before()} == {INSTEAD}
    assert_same_bytes(other, (p for i, p in before().items() if i not in won))


def test_an_inserted_scenario_that_nobody_can_ask_for_changes_nothing(tree: Path) -> None:
    path = cloned(tree / "specs/scenarios", common_scenario())
    steps = {n: w for s in specs().scenarios.values() for n, w in s["workflows"].items() if any(o.startswith("logs.") for o in w)}
    idle = {f"{name}-{n}": steps[name] for name in steps for n in range(8)}
    rewritten(path, lambda scenario: scenario.update(circles=["nobodys-circle"], workflows=idle))
    assert moved(planned(catalogue.load(tree))) == set()


def with_operation(tree: Path) -> None:
    """A new operation in the middle of the ledger's list."""
    path = tree / "skills/ledger/operations.yaml"

    def insert(value: Any) -> None:
        operations = value["operations"]
        into_the_middle(operations, {**next(o for o in operations if o["name"] == "pick"), "name": INSTEAD})

    rewritten(path, insert)


@pytest.mark.slow
def test_an_inserted_operation_that_nobody_uses_touches_nothing(tree: Path) -> None:
    with_operation(tree)
    other = catalogue.load(tree)
    assert f"ledger.{INSTEAD}" in {o.id for o in other.operations()}
    assert planned(other) == before() and touched(other, before()) == set()
    assert_same_bytes(other, (p for p in before().values() if any(o.startswith("ledger.") for o in p.operations)))


@pytest.mark.slow
def test_an_inserted_operation_changes_only_the_tasks_of_the_workflow_that_uses_it(tree: Path) -> None:
    """The other tasks of that scenario are compiled anew, to the same bytes."""
    with_operation(tree)
    name, steps = next((s.name, w) for s in specs().scenarios.values() for w in s["workflows"].values() if "ledger.pick" in w)

    def insert(scenario: Any) -> None:
        workflows = list(scenario["workflows"].items())
        into_the_middle(workflows, (INSTEAD, [f"ledger.{INSTEAD}" if o == "ledger.pick" else o for o in steps]))
        scenario["workflows"] = dict(workflows)

    rewritten(tree / f"specs/scenarios/{name}.yaml", insert)
    other = catalogue.load(tree)
    after = planned(other)
    assert set(after) == set(before())
    assert moved(after) and all((after[i].scenario, after[i].workflow) == (name, INSTEAD) for i in moved(after))
    others = touched(other, after) - moved(after)
    assert {after[i].scenario for i in others} == {name}
    assert_same_bytes(other, (after[i] for i in others))


@pytest.mark.slow
def test_an_inserted_persona_changes_only_the_tasks_that_it_wins(tree: Path) -> None:
    cloned(tree / "personas", Counter(p.persona for p in before().values()).most_common(1)[0][0])
    other = catalogue.load(tree)
    after = planned(other)
    assert set(after) == set(before()) and touched(other, after) == moved(after)
    assert moved(after) == {i for i, p in after.items() if p.persona == INSTEAD} != set()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["domain", "noise"])
def test_an_inserted_domain_or_kind_of_noise_touches_nothing(tree: Path, kind: str) -> None:
    if kind == "domain":
        cloned(tree / "specs/domains", next(iter(specs().domains)))
    else:
        rewritten(tree / "specs/noise.yaml", lambda value: into_the_middle(value["noise"], {**value["noise"][0], "name": INSTEAD}))
    other = catalogue.load(tree)
    assert INSTEAD in {**other.domains, **other.noise}
    assert planned(other) == before() and touched(other, before()) == set()
    assert_same_bytes(other, before().values())


@pytest.mark.slow
def test_an_inserted_saying_of_a_template_touches_only_the_tasks_with_such_an_artifact(tree: Path) -> None:
    rewritten(tree / "specs/templates/message.yaml", lambda template: into_the_middle(template["say"], template["say"][0] + " "))
    other = catalogue.load(tree)
    assert len(other.templates["message"]["say"]) == len(specs().templates["message"]["say"]) + 1
    messages = {i for i, p in before().items() if any(specs().operation(o).spec["yields"]["as"] == "message" for o in p.operations)}
    assert planned(other) == before() and touched(other, before()) == messages
    assert_same_bytes(other, (p for i, p in before().items() if i not in messages))


@pytest.mark.slow
def test_the_order_in_which_an_entry_is_written_counts(tree: Path) -> None:
    """Columns are written down in their order: another order is another file, though the value is equal."""

    def turn(domain: Any) -> None:
        relation = next(r for r in domain["relations"].values() if "columns" in r)
        relation["columns"] = dict(reversed(relation["columns"].items()))

    rewritten(tree / "specs/domains/expenses.yaml", turn)
    other = catalogue.load(tree)
    assert other.domains["expenses"].value == specs().domains["expenses"].value
    assert touched(other, before()) == {i for i, p in before().items() if p.domain == "expenses"} != set()


def test_a_file_that_enters_the_box_touches_the_tasks_of_its_skill(tree: Path) -> None:
    (tree / "skills/logs/files").mkdir(exist_ok=True)
    (tree / "skills/logs/files/hints.txt").write_text("Count first.\n")
    other = catalogue.load(tree)
    assert touched(other, before()) == {i for i, p in before().items() if any(o.startswith("logs.") for o in p.operations)} != set()


def test_what_python_leaves_behind_touches_nothing(tree: Path) -> None:
    (tree / "skills/mending/sources/totals/__pycache__").mkdir(exist_ok=True)
    (tree / "skills/mending/sources/totals/__pycache__/report.cpython-311.pyc").write_bytes(b"\0")
    assert touched(catalogue.load(tree), before()) == set()


def test_a_renamed_file_of_a_package_touches_the_tasks_on_it(tree: Path) -> None:
    folder = tree / "skills/mending/sources/totals"
    (folder / "README.md").rename(folder / "NOTES.md")
    assert touched(catalogue.load(tree), before()) == {i for i, p in before().items() if "mending.totals" in p.operations} != set()
