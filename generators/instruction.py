"""The instruction: the persona's frame, the scenario's reason, and for each step a skeleton in which every demand is said.

What is said is rendered demand by demand and looked for in the finished text: an instruction that lost one is refused.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from generators import form
from generators.form import Said
from generators.legend import legend
from generators.naming import Asked, Naming, column_words, words_of
from generators.noises import Noise
from generators.relations import Relation
from generators.renderers import SITE
from generators.words import NOTHING, choose, closed, lost, render, sentence
from generators.workspace import Written
from specs.catalogue import Catalogue, Spec

ORIGINALS = (
    "Leave the files I gave you exactly as they are.",
    "The originals stay untouched, please.",
    "Don't change anything in the files you start from.",
    "My own files are to be read, not edited.",
    "What I gave you stays as it is; write new files.",
    "Please don't edit the files that are there already.",
    "Hands off the originals, though.",
    "Nothing in my own files may change.",
)
BEGIN_LIST = (
    "What I need:",
    "In this order:",
    "Here is the list:",
    "One after the other:",
    "So:",
    "What there is to do:",
    "I have written it down as a list:",
    "In short:",
)
BACKGROUND = ("Some background:", "The story behind it:", "In case you wonder why:", "Why I ask:", "How it came about:")
DATES = ("iso", "long")
LONGEST_ITEM = 62  # words of an item of a numbered list
LONGEST_RUN = 130  # words of requests that may share a paragraph


class Unsaid(Exception):
    """A demand is not in the instruction; the message names it."""


@dataclass(frozen=True)
class Composed:
    """An instruction, the passages that it is made of (what comes before the steps, each step, what comes after), and what they state."""

    text: str
    opening: str
    steps: tuple[str, ...]
    closing: str
    said: tuple[Said, ...]


@dataclass
class Draft:
    """What an instruction is made of, as far as it has got. `said` are the sayings that must be found in the end."""

    steps: list[str] = field(default_factory=list)
    end: list[str] = field(default_factory=list)  # asides behind all requests
    said: list[Said] = field(default_factory=list)
    skeletons: set[str] = field(default_factory=set)  # of form, that have been used
    own_words: bool = False  # whether the first request is the scenario's own phrase


def compose(
    catalogue: Catalogue,
    story: tuple[Spec, Spec],
    asked: Sequence[Asked],
    written: Written,
    noises: Sequence[tuple[Noise, Relation]],
    seed: str,
) -> Composed:
    """The whole instruction. Raises Unsaid where a demand got lost, jinja2.UndefinedError for an unknown word."""
    scenario, persona = story
    rng = random.Random(f"{seed}/words")
    naming = Naming(scenario, asked, written, rng.choice(DATES), len(asked) > 2 and rng.random() < 0.5)
    words = [words_of(naming, n, rng) for n in range(len(asked))]
    once = form.once(catalogue, asked, words, rng)
    draft = Draft(said=list(once.said))
    notes = _notes(catalogue, naming, words, noises, draft, rng)
    for number in range(len(asked)):
        draft.steps.append(_ask(catalogue, naming, number, words[number], (once.done[number], notes.get(number, [])), draft, rng))
    draft.end = [*once.sentences, *notes.get(-1, [])] if rng.random() < 0.5 else [*notes.get(-1, []), *once.sentences]
    if persona["habits"].get("leave_originals", False) and any(s.form != SITE for s in written.sources.values()):
        draft.end.append(choose(list(ORIGINALS), rng))
        draft.said.append(Said(0, "persona/originals", strip(draft.end[-1])))
    opening, closing = _frame(scenario, persona, draft, rng)
    text = "\n\n".join(p for p in (opening, *_body(draft.steps, naming.listed, rng), closing) if p)
    missing = lost(text, [one.saying for one in draft.said])
    if missing is not None:
        raise Unsaid(missing)
    return Composed(text, opening, tuple(draft.steps), closing, tuple(draft.said))


def _ask(
    catalogue: Catalogue,
    naming: Naming,
    number: int,
    words: dict[str, Any],
    known: tuple[set[str], list[str]],
    draft: Draft,
    rng: random.Random,
) -> str:
    """One request: the skeleton with its demands, the form of what it makes, and notes on what it reads.

    `known` is (demands of form that are said elsewhere, notes).
    """
    asked, (done, notes) = naming.asked[number], known
    spec, template = asked.step.operation.spec, catalogue.templates[asked.artifact.kind]
    demands = {name: NOTHING if name in asked.moot else render(choose(d["say"], rng), words) for name, d in spec["demands"].items()}
    own = naming.scenario.get("phrases", {}).get(asked.step.operation.id, [])
    phrased = bool(own) and rng.random() < 0.7
    draft.own_words |= phrased and number == 0
    skeleton = choose(own if phrased else spec["say"], rng)
    clauses = form.clauses(template, asked, words, done, rng)
    aside = "" if words["patterned"] else form.aside(template, skeleton, clauses, rng)
    columns, operation = column_words(asked, words), asked.step.operation.id
    draft.said += [Said(number + 1, f"{operation}/{n}", strip(text), columns) for n, text in demands.items() if text != NOTHING]
    draft.said += [Said(number + 1, f"{template.name}/{n}", strip(text)) for n, text in clauses.items()]
    draft.said.append(Said(number + 1, f"{operation}/out", words["out"]))
    first = sentence(_closed(render(skeleton, {**words, **demands, "out": f"{words['out']}{aside}"})))
    statement = "" if aside else form.statement(template, asked, words, clauses, draft.skeletons, rng)
    parts = [first, *notes, statement] if words["patterned"] else [first, statement, *notes]
    return " ".join(part for part in parts if part)


def _closed(text: str) -> str:
    try:
        return closed(text)
    except ValueError as error:
        raise Unsaid(str(error)) from error


def _notes(
    catalogue: Catalogue,
    naming: Naming,
    words: Sequence[dict[str, Any]],
    noises: Sequence[tuple[Noise, Relation]],
    draft: Draft,
    rng: random.Random,
) -> dict[int, list[str]]:
    """What has to be known of each drawn input, by the step behind which it is said; -1 is the end of all."""
    notes: dict[int, list[str]] = {}
    readers: dict[str, int] = {}
    for number, asked in enumerate(naming.asked):
        for source in asked.step.inputs.values():
            if source.step < 0:
                readers.setdefault(source.base, number)
    for base, number in readers.items():
        here = words[number]["patterned"] or (not naming.listed and rng.random() < 0.5)
        told = {f"legend/{base}": _legend(naming, base, words, rng)}
        for noise, relation in noises:
            if noise.relation == base:
                told[f"noise/{noise.kind}/{base}"] = _noise(catalogue, noise, relation, naming.written, any(told.values()), rng)
        told = {name: text for name, text in told.items() if text}
        notes.setdefault(number if here else -1, []).extend(told.values())
        draft.said += [Said(number + 1 if here else 0, name, strip(text)) for name, text in told.items()]
    return notes


def _legend(naming: Naming, base: str, words: Sequence[dict[str, Any]], rng: random.Random) -> str:
    """What the columns that are named or kept are in a file that does not name them; nothing where a list of all columns tells it."""
    wanted: set[str] = set()
    relation: Relation | None = None
    for asked, known in zip(naming.asked, words, strict=True):
        for name, source in asked.step.inputs.items():
            if source.step < 0 and source.base == base:
                if known["glossed"] and name == next(iter(asked.step.inputs)):
                    return ""
                relation = asked.inputs[name]
                wanted |= set(source.names.values())
    place = naming.written.sources[base]
    return legend(relation, place, wanted, rng.randrange(12)) if relation else ""


def _noise(catalogue: Catalogue, noise: Noise, relation: Relation, written: Written, named: bool, rng: random.Random) -> str:
    """What has to be known of a kind of noise; `named` is whether the note before has just named the file."""
    words = {"file": "that file" if named else f"`{written.sources[noise.relation].path}`", "one": relation.one, "many": relation.many}
    column = relation.column(catalogue.noise[noise.kind].get("role", ""))
    words |= {"column": column.words, "unit": column.unit} if column else {}
    return sentence(render(choose(catalogue.noise[noise.kind]["say"], rng), words))


def _body(asks: list[str], listed: bool, rng: random.Random) -> list[str]:
    """The requests as paragraphs: a numbered list where they are short, one paragraph where all together are, else one each."""
    if listed and all(len(ask.split()) <= LONGEST_ITEM for ask in asks):
        return ["\n".join([choose(list(BEGIN_LIST), rng), *(f"{n}. {text}" for n, text in enumerate(asks, 1))])]
    if sum(len(ask.split()) for ask in asks) <= LONGEST_RUN and rng.random() < 0.5:
        return [" ".join(asks)]
    return asks


def _frame(scenario: Spec, persona: Spec, draft: Draft, rng: random.Random) -> tuple[str, str]:
    """What comes before the requests and what after them: who speaks, why, asides, in one of the orders in which people do it."""
    first, last = _one(persona.get("opens", []), rng), _one(persona.get("closes", []), rng)
    why, what_for, end = scenario["because"], scenario["for"], " ".join(draft.end)
    order = rng.random()
    if order < 0.12 and not draft.own_words:
        return _paragraphs([first]), _paragraphs([end], [choose(list(BACKGROUND), rng), why, what_for], [last])
    if order < 0.4:
        return _paragraphs([first, why]), _paragraphs([end], [what_for, last])
    if order < 0.65:
        return _paragraphs([first], [why, what_for]), _paragraphs([end], [last])
    return _paragraphs([first, why, what_for]), _paragraphs([end], [last])


def _paragraphs(*parts: list[str]) -> str:
    return "\n\n".join(" ".join(p for p in part if p) for part in parts if any(part))


def _one(options: list[str], rng: random.Random) -> str:
    """One of the persona's phrases, or none."""
    return rng.choice(["", *options]) if options else ""


def strip(text: str) -> str:
    """A saying without the punctuation that a skeleton may change."""
    return " ".join(text.split()).strip(" .;,:")
