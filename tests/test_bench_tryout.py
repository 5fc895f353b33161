"""`make try`: a few tasks of one spec, whatever its quota, audited in real boxes and shown; what can't be made is told at its line."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import spectree
import tinyspecs

from bench import tryout
from bench.aims import aim
from generators.task import Built
from specs import catalogue, new
from specs.errors import UserError

SCENARIO = "specs/scenarios/market-day.yaml"
OPERATIONS = "skills/counting/operations.yaml"
ONCE = "solutions/once.py"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny tree, with solutions that are right."""
    monkeypatch.chdir(tinyspecs.solved(tmp_path))
    return tmp_path


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(spectree.copied(tmp_path))
    return tmp_path


def told(*argv: str) -> list[str]:
    with pytest.raises(UserError) as error:
        tryout.main(argv)
    return [str(p) for p in error.value.problems]


def built(path: str) -> list[Built]:
    """The tasks that come out for a path, compiled and not audited."""
    return [t.result for t in tryout.trials(catalogue.load(), aim(path), 7, 0.3) if isinstance(t.result, Built)]


def test_all_of_a_task_is_shown(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tryout.main([SCENARIO, "--tasks", "2"]) == 0
    shown = capsys.readouterr().out
    for part in (
        "1 of 2: task",
        "2 of 2: task",
        "The market is tomorrow",
        ".skills/counting/SKILL.md",
        "2-total-rows",
        "demand counting.once/input",
    ):
        assert part in shown
    assert shown.count("python3 - <<'EOF'") >= 2
    assert "2 of 2 plans came out, and each passes its audit" in shown


def test_a_quota_of_nothing_does_not_matter(root: Path) -> None:
    tinyspecs.replace(root, SCENARIO, "tasks: 2", "tasks: 0")
    tinyspecs.replace(root, OPERATIONS, "tasks: 1", "tasks: 0")
    assert len(built(SCENARIO)) == len(built(OPERATIONS)) == tryout.TASKS


def test_a_task_that_fails_its_audit_is_told_at_the_spec(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "skills/counting/solutions/total.py").write_text("result = []\n")
    (line,) = told(SCENARIO, "--tasks", "1")
    assert line.startswith(f"{SCENARIO}:1:1: name: task ") and "fails its audit; the solution scores" in line
    assert "rejected: the solution scores" in capsys.readouterr().out


def test_operations_that_are_not_accepted_are_told_before_any_task(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "skills/counting/solutions/total.py").write_text("result = []\n")
    lines = told("skills/counting")
    assert any("operations[0].solution: truth and solution disagree" in line for line in lines)
    assert "Instruction" not in capsys.readouterr().out


def test_what_does_not_validate_is_told_before_anything_is_compiled(root: Path) -> None:
    tinyspecs.replace(root, SCENARIO, "domain: till", "domain: tills")
    assert told(SCENARIO) == [f"{SCENARIO}:5:9: domain: unknown domain 'tills'; did you mean 'till'?"]


def test_a_workflow_of_which_no_task_comes_out_is_told_at_its_line(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tryout, "MOST_REJECTED", 2)
    tinyspecs.replace(root, OPERATIONS, "n: {integer: [2, 3]}", "n: {integer: [40, 50]}")
    (line,) = told(SCENARIO)
    assert line.startswith(f"{SCENARIO}:10:3: workflows.clean: none of 2 tasks comes out; for example ")
    assert line.endswith("(counting.once, counting.total): counting.total: the demand 'count' makes no difference")


def test_a_persona_in_whose_circles_no_story_is_set_is_lent_one(root: Path) -> None:
    (root / "personas/loner.yaml").write_text(tinyspecs.PERSONA.replace("grocer", "loner").replace("[small-firm]", "[lab]"))
    tried = tryout.trials(catalogue.load(), aim("personas/loner.yaml"), 7, 0.3)
    assert [(t.plan.persona, t.stand_in) for t in tried] == [("loner", True)] * tryout.TASKS


def test_a_persona_who_may_ask_for_nothing_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tryout, "trials", lambda *_: [])
    assert told("personas/grocer.yaml") == [
        "personas/grocer.yaml:1:1: name: no task can use it; all that is asked in these circles edits in place"
    ]


@pytest.mark.parametrize(
    "path", ["specs/taxonomy.yaml", "params.yaml", "personas", "skills", "../x", "specs/scenarios/none.yaml", "README.md"]
)
def test_a_path_without_a_spec_is_told(root: Path, path: str) -> None:
    (line,) = told(path)
    assert line.startswith(f"{path}:1:1: SPEC: no ")


@pytest.mark.parametrize("path", ["skills/counting", "skills/counting/SKILL.md", f"skills/counting/{ONCE}", OPERATIONS])
def test_a_skill_is_found_by_any_of_its_files(root: Path, path: str) -> None:
    assert (aim(path).kind, aim(path).name, aim(path).path) == ("operations", "counting", OPERATIONS)


def test_each_kind_of_spec_is_used_by_the_tasks_that_are_tried(copy: Path) -> None:
    for folder in ("personas", "specs/scenarios", "specs/domains", "skills", "specs/templates"):
        path = sorted(p for p in (copy / folder).iterdir() if p.suffix == ".yaml" or p.is_dir())[-1].relative_to(copy).as_posix()
        found = built(path)
        assert len(found) == tryout.TASKS, path
        assert all(aim(path).used(one.provenance.specs) for one in found), path


def test_noise_is_found_in_the_tasks_that_are_tried(copy: Path) -> None:
    found = built("specs/noise.yaml")
    assert found and all("specs/noise.yaml" in {r.path for r in one.provenance.specs} for one in found)


def test_an_operation_that_no_scenario_uses_is_lent_a_story(copy: Path) -> None:
    new.main(["--kind", "operation", "--name", "ledger.at-least"])
    specs = catalogue.load()
    tried = tryout.trials(specs, aim("skills/ledger"), 7, 0.3)
    assert [t.plan.operations for t in tried if t.stand_in] == [("ledger.at-least",)] * tryout.TASKS
    assert len({t.plan.domain for t in tried}) == tryout.TASKS
    assert not set(specs.scenarios) & {t.plan.scenario for t in tried}


def test_a_domain_that_no_scenario_is_set_in_is_lent_a_story(copy: Path) -> None:
    new.main(["--kind", "domain", "--name", "lent-tools"])
    tried = tryout.trials(catalogue.load(), aim("specs/domains/lent-tools.yaml"), 7, 0.3)
    assert {(t.plan.domain, t.stand_in) for t in tried} == {("lent-tools", True)}
    assert len({t.plan.operations for t in tried if isinstance(t.result, Built)}) == tryout.TASKS


def test_a_lent_story_has_somebody_who_may_ask(copy: Path) -> None:
    """Where all but one leave originals alone, that one asks for what is edited in place."""
    specs = catalogue.load()
    personas = {
        n: dataclasses.replace(p, value={**p.value, "habits": {**p["habits"], "leave_originals": n != "ferry-cook"}})
        for n, p in specs.personas.items()
    }
    idle = {n: s for n, s in specs.scenarios.items() if not any(o.startswith("settings.") for w in s["workflows"].values() for o in w)}
    tried = tryout.trials(dataclasses.replace(specs, personas=personas, scenarios=idle), aim("skills/settings"), 7, 0.3, 12)
    asked = {t.plan.persona for t in tried if any(specs.operation(o).in_place for o in t.plan.operations)}
    assert asked == {"ferry-cook"}
