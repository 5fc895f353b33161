"""Rubrics: about a fifth of the tasks have one, its questions are in plain words, and what a mistake in one is told as."""

from __future__ import annotations

from pathlib import Path

import pytest
import tinyspecs

from generators import plan
from generators.task import Built, build
from specs import catalogue, params, validate
from specs.yields import READ

MESSAGE = "specs/templates/message.yaml"
CRITERION = '  - {id: polite, ask: "Is {{ person }} treated with courtesy?", weight: 2, spoiled_by: [insulting]}\n'


def test_about_a_fifth_of_the_planned_tasks_ask_for_a_text() -> None:
    specs = catalogue.load(tinyspecs.REPOSITORY)
    section = params.section("compile", tinyspecs.REPOSITORY / "params.yaml")
    planned = plan.plans(specs, section["scale"], section["bench_share"])
    texts = sum(any(specs.operation(o).spec["yields"]["as"] in READ for o in p.operations) for p in planned)
    assert 0.15 <= texts / len(planned) <= 0.27, texts / len(planned)


def told(tmp_path: Path, path: str, old: str, new: str) -> list[str]:
    root = tinyspecs.tree(tmp_path)
    (root / MESSAGE).write_text((tinyspecs.REPOSITORY / MESSAGE).read_text(encoding="utf-8"), encoding="utf-8")
    tinyspecs.replace(root, path, old, new)
    return [str(p) for p in validate.validate(root)[1]]


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        (MESSAGE, "{{ person }}", "{{ persn }}", "rubric[0].ask: unknown word 'persn'; did you mean 'person'?"),
        (MESSAGE, "id: calm", "id: polite", "rubric[1].id: a second criterion called 'polite'"),
        (MESSAGE, "neither rude nor chummy?", "neither rude nor chummy.", "rubric[0].ask: "),
        (MESSAGE, "[insulting, chummy]", "[insluting]", "spoiled_by[0]: 'insluting' is not one of"),
        (MESSAGE, "    weight: 2\n    spoiled_by: [insulting, chummy]\n", "    weight: 2\n", "rubric[0]: lacks 'spoiled_by'"),
        (MESSAGE, "beside: workspace", "beside: workspaces", "beside: 'workspaces' is not one of request, workspace"),
        (MESSAGE, "    weight: 3\n    beside", "    weight: 0\n    beside", "rubric[2].weight: "),
        (
            "specs/templates/table.yaml",
            "\ndemands:\n",
            f"\nrubric:\n{CRITERION}demands:\n",
            "rubric: 'table' is no text that somebody reads",
        ),
    ],
)
def test_a_mistake_in_a_rubric_is_told_at_its_line(tmp_path: Path, path: str, old: str, new: str, message: str) -> None:
    found = told(tmp_path, path, old, new)
    assert any(p.startswith(f"{path}:") and message in p for p in found), found


def test_an_operations_criterion_must_not_hide_its_templates(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    for path in (MESSAGE, "skills/letters/operations.yaml"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text((tinyspecs.REPOSITORY / path).read_text(encoding="utf-8"), encoding="utf-8")
    tinyspecs.replace(root, "skills/letters/operations.yaml", "id: reminds", "id: polite")
    found = [str(p) for p in validate.validate(root)[1]]
    assert any("operations[0].rubric[0].id: a second criterion called 'polite'" in p for p in found), found


def test_a_compiled_task_with_a_letter_has_its_questions_and_their_weights() -> None:
    specs = catalogue.load(tinyspecs.REPOSITORY)
    section = params.section("compile", tinyspecs.REPOSITORY / "params.yaml")
    planned = plan.plans(specs, section["scale"], section["bench_share"])
    wanted = [next(p for p in planned if ("letters.reminder" in p.operations) is letter) for letter in (True, False)]
    letter, other = (build(specs, p, section["seed"], {}) for p in wanted)
    assert isinstance(letter, Built) and isinstance(other, Built)
    items = [i for i in letter.verifier.rubric if "-reminder/" in i.id]
    general = [c["id"] for c in specs.templates["message"]["rubric"]]
    assert [i.id.partition("/")[2] for i in items] == [*general, "reminds"]
    person = next(c.params["greeting"] for c in letter.verifier.checks if c.kind == "message")
    assert {i.path for i in items} <= set(letter.task.outputs) and person in items[0].question
    assert not any("{{" in i.question for i in items)
    assert (letter.verifier.weights.code, letter.verifier.weights.rubric) == (0.7, 0.3)
    if not any(c.kind == "message" for c in other.verifier.checks):
        assert (other.verifier.rubric, other.verifier.weights.code, other.verifier.weights.rubric) == ((), 1.0, 0.0)
