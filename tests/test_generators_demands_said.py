"""Demands said, of those that are checked: take any saying away, in YAML or in the finished text, and the compiler refuses."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import meta

from generators import form, instruction, task, words
from generators.form import Said
from generators.naming import Asked
from generators.plan import Plan, plans
from specs import catalogue
from specs.catalogue import Catalogue, Spec

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
SHARE = 0.3
BROKEN = re.compile(r"[,;:(]\s*[.;,:)]|\(\s*\)|\s[.,;)]|^\W*[,.;]|\b(?:and|but|so)\s*[.;,)]|[.!?] (?:and|but|so)\b|[.!?]\s+[a-z]")


@dataclasses.dataclass(frozen=True)
class Call:
    """What the composer was called with for one task, and what it gave."""

    catalogue: Catalogue
    story: tuple[Spec, Spec]
    asked: tuple[Asked, ...]
    rest: tuple[Any, ...]  # what was written, the noises, the seed
    composed: instruction.Composed

    def again(self, asked: tuple[Asked, ...] | None = None, story: tuple[Spec, Spec] | None = None, **templates: Spec) -> None:
        """Compose once more, with other operations, another story or other templates."""
        specs = dataclasses.replace(self.catalogue, templates={**self.catalogue.templates, **templates})
        instruction.compose(specs, story or self.story, asked or self.asked, *self.rest)

    def plain(self) -> tuple[Spec, Spec]:
        """The story without the scenario's own phrases, so that the operation's skeletons are taken."""
        scenario, persona = self.story
        return dataclasses.replace(scenario, value={k: v for k, v in scenario.value.items() if k != "phrases"}), persona

    def with_operation(self, number: int, **parts: Any) -> tuple[Asked, ...]:
        """The steps, one of them with other parts in its operation's entry."""
        asked = self.asked[number]
        operation = asked.step.operation
        spec = dataclasses.replace(operation.spec, value={**operation.spec.value, **parts})
        step = dataclasses.replace(asked.step, operation=dataclasses.replace(operation, spec=spec))
        return (*self.asked[:number], dataclasses.replace(asked, step=step), *self.asked[number + 1 :])


@pytest.fixture(scope="module")
def specs() -> Catalogue:
    return catalogue.load(ROOT)


@pytest.fixture(scope="module")
def calls(specs: Catalogue) -> list[Call]:
    """The composer's calls for tasks in which every operation occurs, and with them every template."""
    found: list[Call] = []
    compose = instruction.compose

    def noted(catalogue: Catalogue, story: Any, asked: Any, *rest: Any) -> instruction.Composed:
        composed = compose(catalogue, story, asked, *rest)
        found.append(Call(catalogue, story, tuple(asked), rest, composed))
        return composed

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(instruction, "compose", noted)
        for plan in covering(specs):
            made = len(found)
            task.build(specs, plan, 7, {})
            del found[made + 1 :]
    return found


def covering(specs: Catalogue) -> Iterator[Plan]:
    """Few plans that have all operations between them."""
    left = {f"{skill}.{name}" for skill, entry in specs.skills.items() for name in entry.operations}
    offered = plans(specs, 3.0, SHARE)
    while left:
        best = max(offered, key=lambda p: len(left & set(p.operations)))
        assert left & set(best.operations), f"no task has {left}"
        yield best
        left -= set(best.operations)


def without(skeleton: str, word: str) -> str:
    """The skeleton that forgets the word."""
    less = re.sub(rf"\{{\{{ {word}(?:\|\w+)? \}}\}}", "", skeleton)
    assert less != skeleton
    return less


def steps(calls: list[Call]) -> Iterator[tuple[Call, int, Asked]]:
    """Each operation once."""
    seen: set[str] = set()
    for call in calls:
        for number, asked in enumerate(call.asked):
            if asked.step.operation.id not in seen:
                seen.add(asked.step.operation.id)
                yield call, number, asked


def test_all_operations_are_looked_at(specs: Catalogue, calls: list[Call]) -> None:
    assert {a.step.operation.id for _, _, a in steps(calls)} == {f"{s}.{o}" for s, e in specs.skills.items() for o in e.operations}
    assert {a.artifact.kind for _, _, a in steps(calls)} == set(specs.templates)


def test_a_skeleton_that_forgets_a_demand_is_refused(calls: list[Call]) -> None:
    for call, number, asked in steps(calls):
        for demand in set(asked.step.operation.spec["demands"]) - asked.moot:
            for skeleton in asked.step.operation.spec["say"]:
                with pytest.raises(instruction.Unsaid):
                    call.again(call.with_operation(number, say=[without(skeleton, demand)]), call.plain())


def test_each_saying_is_missed(calls: list[Call]) -> None:
    """Whatever the words of a demand, they are looked for: no other part of the text passes for them."""
    for call, number, asked in steps(calls):
        spec = asked.step.operation.spec
        for name in set(spec["demands"]) - asked.moot:
            for i, saying in enumerate(spec["demands"][name]["say"]):
                demands = {**spec["demands"], name: {**spec["demands"][name], "say": [saying]}}
                whole = spec["say"][i % len(spec["say"])]
                call.again(call.with_operation(number, say=[whole], demands=demands), call.plain())
                with pytest.raises(instruction.Unsaid):
                    call.again(call.with_operation(number, say=[without(whole, name)], demands=demands), call.plain())


def test_a_template_that_forgets_a_demand_is_refused(specs: Catalogue, calls: list[Call]) -> None:
    for kind, template in specs.templates.items():
        call = next(c for c in calls if any(a.artifact.kind == kind for a in c.asked))
        alone = {k: v for k, v in template.value.items() if k != "together"} | {"demands": told_apart(template)}
        for skeleton in template["say"]:
            for word in ["said"] if "together" in template.value else template["demands"]:
                less = without(skeleton, f"{word}(?:_said)?")
                with pytest.raises(instruction.Unsaid):
                    call.again(**{kind: dataclasses.replace(template, value={**alone, "say": [less]})})


def told_apart(template: Spec) -> dict[str, Any]:
    """The demands without sentences that say them once for several artifacts."""
    return {name: {k: v for k, v in demand.items() if k != "once"} for name, demand in template["demands"].items()}


def test_what_is_said_once_for_all_is_missed(specs: Catalogue, calls: list[Call], monkeypatch: pytest.MonkeyPatch) -> None:
    table = specs.templates["table"]
    shared = [c for c in calls if any(s.step == 0 and s.name.startswith("table/") for s in c.composed.said)]
    assert {s.name for c in shared for s in c.composed.said if s.step == 0} >= {f"table/{d}" for d in table["demands"]}
    for call in (c for c in shared if any(s.step == 0 and s.name in ("table/form", "table/iso") for s in c.composed.said)):
        for skeleton in table["together"]["say"]:
            together = {**table["together"], "say": [without(skeleton, "said")]}
            with pytest.raises(instruction.Unsaid):
                call.again(table=dataclasses.replace(table, value={**table.value, "together": together}))


def test_a_saying_taken_out_of_the_text_is_missed(calls: list[Call]) -> None:
    """For every demand of every task, of operations, form, noise and habits alike."""
    missed = 0
    for call in calls:
        text, said = call.composed.text, call.composed.said
        assert words.lost(text, [s.saying for s in said]) is None
        for one in demands_of(said):
            at = " ".join(text.lower().split()).index(one.saying.lower())
            plain = " ".join(text.split())
            assert words.lost(plain[:at] + plain[at + len(one.saying) :], [s.saying for s in said]) is not None, (one, text)
            missed += 1
    assert missed > 200


def demands_of(said: tuple[Said, ...]) -> list[Said]:
    """What is said of demands; a result's path alone may stand in a text more often."""
    return [s for s in said if not s.name.endswith("/out")]


def test_every_artifact_has_every_demand_of_its_form(calls: list[Call]) -> None:
    """Said in its own step, or once for all."""
    for call in calls:
        for number, asked in enumerate(call.asked, 1):
            template = call.catalogue.templates[asked.artifact.kind]
            known = form.known_words(asked, {})
            shared = template.get("together", {}).get("with", template.name)
            for name, demand in template["demands"].items():
                if "when" not in demand or known[demand["when"]]:
                    wanted = {(f"{template.name}/{name}", number), (f"{template.name}/{name}", 0), (f"{shared}/{name}", 0)}
                    assert any((s.name, s.step) in wanted for s in call.composed.said), (name, asked)


class Word:
    """Stands for any word, and for any part of it."""

    def __str__(self) -> str:
        return "word"

    def __getattr__(self, part: str) -> str:
        return "word"


def skeletons(specs: Catalogue) -> Iterator[tuple[str, dict[str, Any], str]]:
    """(where, the operation's demands, skeleton): the operations' own and the scenarios'."""
    for skill, entry in specs.skills.items():
        for name, operation in entry.operations.items():
            yield from ((f"{skill}.{name}", operation.spec["demands"], s) for s in operation.spec["say"])
    for scenario in specs.scenarios.values():
        for identity, phrases in scenario.value.get("phrases", {}).items():
            yield from ((scenario.name, specs.operation(identity).spec["demands"], s) for s in phrases)


def test_sentences_stay_whole_without_a_demand_that_is_moot(specs: Catalogue) -> None:
    for where, demands, skeleton in skeletons(specs):
        named = dict.fromkeys(meta.find_undeclared_variables(words.environment().parse(skeleton)), Word())
        for moot in (name for name, demand in demands.items() if "witness" in demand and not demand.get("always")):
            known = {**named, "out": "`x`", "next": "", **{name: words.NOTHING if name == moot else f"it is {name}" for name in demands}}
            text = words.sentence(words.closed(words.render(skeleton, known)))
            assert not BROKEN.search(text.replace("`x`", "It")), f"{where}: {moot}: {skeleton} -> {text}"
