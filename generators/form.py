"""How artifacts have to look: the demands of their templates, said behind a file's name, after its step, or once for several."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from generators import artifacts
from generators.naming import Asked
from generators.words import choose, render, sentence
from specs.catalogue import Catalogue, Spec

LONGEST_ASIDE = 9  # words; more than that is a sentence of its own
NO_ASIDE = re.compile(r"\{\{ out[^}]*\}\}\s*[(:]|\([^)]*\{\{ out|`[^`]*\{\{ out")
Words = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """A demand as the text states it. `step` counts from 1, 0 is the whole task; `columns` are the words of columns it may name."""

    step: int
    name: str
    saying: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Once:
    """What is said once: the sentences, the sayings in them, and the demands that each step need not say again."""

    sentences: list[str] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    done: dict[int, set[str]] = field(default_factory=dict)


def once(catalogue: Catalogue, asked: Sequence[Asked], words: Sequence[Words], rng: random.Random) -> Once:
    """Demands of form that several artifacts share and that one sentence may state for all."""
    found = Once(done={number: set() for number in range(len(asked))})
    families = [_family(catalogue, a.artifact.kind) for a in asked]
    for family in dict.fromkeys(families):
        template = catalogue.templates[family]
        mine = [n for n, other in enumerate(families) if other == family]
        known = {n: known_words(asked[n], words[n]) for n in mine}
        if "together" in template.value and (len(mine) > 2 or (len(mine) > 1 and rng.random() < 0.8)):
            _together(template, known, len(mine) == len(asked), found, rng)
        for name, demand in template["demands"].items():
            for word, sentences in demand.get("once", {}).items():
                need = [n for n in mine if known[n].get(word)]
                if len(need) > 1 and rng.random() < 0.75:
                    _state(template, choose(sentences, rng), name, need, found)
    return found


def _family(catalogue: Catalogue, kind: str) -> str:
    """The template whose sentences for several artifacts hold for this kind."""
    return str(catalogue.templates[kind].get("together", {}).get("with", kind))


def known_words(asked: Asked, words: Words) -> Words:
    """A step's words with those of its artifact's kind."""
    return {**words, **artifacts.of(asked.artifact).words(asked.artifact, asked.answer)}


def _state(template: Spec, text: str, name: str, need: Sequence[int], found: Once) -> None:
    found.sentences.append(f"{sentence(text)}.")
    found.said.append(Said(0, f"{template.name}/{name}", text))
    for n in need:
        found.done[n].add(name)


def _together(template: Spec, known: dict[int, Words], alone: bool, found: Once, rng: random.Random) -> None:
    """One sentence for what holds for all these artifacts, one for what holds for the rest once the exceptions have said theirs."""
    shared = template["together"]
    scopes: dict[str, list[str]] = {}  # by words for what they hold of, what is said of it
    for name in shared["demands"]:
        demand = template["demands"][name]
        need = [n for n, words in known.items() if _arises(demand, words)]
        saying = choose(demand["say"], rng)
        groups: dict[str, list[int]] = {}
        for n in need:
            words = {**known[n], "format": known[n]["formats"]} if "formats" in known[n] else known[n]
            groups.setdefault(render(saying, words), []).append(n)
        text, group = max(groups.items(), key=lambda item: len(item[1]), default=("", []))
        if len(group) > 1:
            scopes.setdefault(("all" if alone else "ours") if group == need else "rest", []).append(text)
            found.said.append(Said(0, f"{template.name}/{name}", text))
            for n in group:
                found.done[n].add(name)
    parts = [(choose(shared[scope], rng), _row(texts)) for scope, texts in scopes.items()]
    if parts:
        words = {"all": parts[0][0], "said": ", and ".join([parts[0][1], *(f"{noun} {said}" for noun, said in parts[1:])])}
        found.sentences.append(sentence(render(choose(shared["say"], rng), words)))


def _arises(demand: dict[str, Any], words: Words) -> bool:
    return "when" not in demand or bool(words.get(demand["when"]))


def clauses(template: Spec, asked: Asked, words: Words, done: set[str], rng: random.Random) -> dict[str, str]:
    """What is left to say of the artifact's form in its own step: by demand, the saying."""
    known = known_words(asked, words)
    return {
        name: render(choose(_options(demand, known), rng), known)
        for name, demand in template["demands"].items()
        if name not in done and _arises(demand, known)
    }


def _row(clauses: Iterable[str]) -> str:
    """Clauses side by side: as CSV, with the columns a and b, and with dates like 2026-03-09."""
    rows = list(clauses)
    if len(rows) > 1 and rows[-1].startswith("with ") and rows[-2].startswith("with "):
        rows[-1] = f"and {rows[-1]}"
    return ", ".join(rows)


def _options(demand: dict[str, Any], words: Words) -> list[str]:
    """The sayings that hold for this artifact: the special ones where a special case is given."""
    special = [s for word, sayings in demand.get("say_when", {}).items() if words.get(word) for s in sayings]
    return special or list(demand["say"])


def aside(template: Spec, skeleton: str, said: dict[str, str], rng: random.Random) -> str:
    """The clauses in parentheses, to stand behind the file's name; or nothing where they are too long or the skeleton has no room."""
    text = _row(said.values())
    if "together" not in template.value or not text or len(text.split()) > LONGEST_ASIDE or "(" in text:
        return ""
    return f" ({text})" if not NO_ASIDE.search(skeleton) and rng.random() < 0.4 else ""


def statement(template: Spec, asked: Asked, words: Words, said: dict[str, str], taken: set[str], rng: random.Random) -> str:
    """The clauses as a sentence of their own. `taken` are skeletons that the task has used; they are avoided and added to."""
    if not said:
        return ""
    free = [s for s in template["say"] if s not in taken] or list(template["say"])
    skeleton = choose(free, rng)
    taken.add(skeleton)
    known = known_words(asked, words)
    own = {f"{name}_said": text for name, text in said.items()} | {n: t for n, t in said.items() if n not in known}
    return sentence(render(skeleton, {**known, **own, "said": _row(said.values())}))
