"""What a step's sayings can name: its inputs in the story's own words, earlier results, columns, parameters, its output."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from generators import artifacts, words
from generators.artifacts import Artifact
from generators.chain import Input, Step
from generators.legend import NAMELESS, PATTERNED, glossed
from generators.relations import Relation
from generators.renderers import FOLDERS, SITE
from generators.words import ColumnWord, Named, choose, joined
from generators.workspace import Written
from specs.catalogue import Spec

JUST_MADE = ("that list ({path})", "the list you just made ({path})", "{path}", "{path}")
MADE_BEFORE = ("the list in {path}", "{path}")
GIVEN = ("{path}", "the {many} ({path})")
PUBLISHED = ("the {many} on {path}", "the {many} on the site ({path})")
AFTER = ("", "", "then", "after that,", "next,")
AT_LAST = ("", "", "then", "last,", "finally,", "to finish,")


@dataclass(frozen=True)
class Asked:
    """One step with all that its words name."""

    step: Step
    artifact: Artifact
    answer: Relation
    inputs: dict[str, Relation]
    moot: frozenset[str]  # demands that can't matter here and are left unsaid


@dataclass(frozen=True)
class Naming:
    """What the words of all steps of a task share. `dates` is how days are written, `listed` whether steps are numbered."""

    scenario: Spec
    asked: Sequence[Asked]
    written: Written
    dates: str
    listed: bool


def words_of(naming: Naming, number: int, rng: random.Random) -> dict[str, Any]:
    """The words of step `number`: inputs, bound columns, parameters, the output, and what its template's sayings name."""
    asked = naming.asked[number]
    step = asked.step
    found: dict[str, Any] = {}
    for name, source in step.inputs.items():
        relation = asked.inputs[name]
        for bound, column in source.names.items():
            found.setdefault(bound, ColumnWord(relation.columns[relation.index(column)]))
    found |= {name: words.spoken(value, naming.dates) for name, value in step.params.items()}
    for name, source in step.inputs.items():
        relation = asked.inputs[name]
        path, phrase = _made(naming, number, source, rng) if source.step >= 0 else _given(naming, number, name, rng)
        found[name] = Named(phrase, path, relation.one, relation.many)
        if relation.same:
            found["same"] = joined(_same(relation))
    found["source"] = found[next(iter(step.inputs))].file
    found["next"] = _next(naming, number, rng)
    found |= _columns(naming, asked)
    found["out"] = f"`{artifacts.outputs(asked.artifact, asked.answer)[0]}`"
    if asked.artifact.kind == "files":
        found["out"] = f"`{asked.artifact.path}/`"
    if step.operation.packaged:
        details = asked.artifact.details
        found |= {"symptom": details.get("symptom", ""), "package": f"`{asked.artifact.path}/`", "module": f"`{details['module']}`"}
    return found


def _same(relation: Relation) -> list[str]:
    """The words of the columns in which two rows that are the same agree."""
    return [relation.columns[relation.index(name)].words for name in relation.same]


def _made(naming: Naming, number: int, source: Input, rng: random.Random) -> tuple[str, str]:
    """(path, phrase) of an earlier step's result: by what its operation calls it, as the list just made, or by its path alone."""
    maker = naming.asked[source.step]
    path = f"`{maker.artifact.path}`"
    parts = {"one": maker.answer.one, "many": maker.answer.many}
    called = [f"{words.render(c, parts)} ({path})" for c in maker.step.operation.spec["yields"].get("called", ())]
    general = [p.format(path=path, **parts) for p in (JUST_MADE if source.step == number - 1 else MADE_BEFORE)]
    return path, choose(called if called and rng.random() < 0.5 else general, rng)


def _given(naming: Naming, number: int, name: str, rng: random.Random) -> tuple[str, str]:
    """(path, phrase) of a drawn input; one that a step before has named may go by its path alone."""
    base = naming.asked[number].step.inputs[name].base
    place = naming.written.sources[base]
    path = f"`{place.path}/`" if place.form in FOLDERS else f"`{place.path}`"
    own = naming.scenario.get("calls", {}).get(base)
    known = any(i.step < 0 and i.base == base for a in naming.asked[:number] for i in a.step.inputs.values())
    if known:
        return path, choose([f"{own} ({path})", path] if own else [path], rng)
    many = naming.asked[number].inputs[name].many
    given = PUBLISHED if place.form == SITE else GIVEN
    return path, f"{own} ({path})" if own else choose(list(given), rng).format(path=path, many=many)


def _next(naming: Naming, number: int, rng: random.Random) -> str:
    """A word that ties a step to the one before, or nothing: none at the start, in a numbered list, or for a task of one step."""
    if number == 0 or naming.listed:
        return ""
    return choose(list(AT_LAST if number == len(naming.asked) - 1 and number > 1 else AFTER), rng)


def _columns(naming: Naming, asked: Asked) -> dict[str, Any]:
    """Whether the output keeps its input's columns, and how they are told where that input's file does not name them."""
    main = next(iter(asked.step.inputs.values()))
    same = asked.step.operation.spec["yields"].get("columns") == "same" and asked.artifact.kind != "cited"
    form = naming.written.sources[main.base].form if main.step < 0 else ""
    return {
        "kept": same and form not in NAMELESS and len(asked.answer.columns) > 2,
        "patterned": same and form in PATTERNED,
        "glossed": glossed(asked.answer, form) if same else "",
    }


def column_words(asked: Asked, found: dict[str, Any]) -> tuple[str, ...]:
    """The words of the columns that a step's sayings can name."""
    bound = [str(w) for w in found.values() if isinstance(w, ColumnWord)]
    same = [word for relation in asked.inputs.values() for word in _same(relation)]
    return tuple(dict.fromkeys([*bound, *same]))
