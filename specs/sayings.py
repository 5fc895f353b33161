"""Sayings and skeletons, looked at without rendering them: Jinja that parses, words that are at hand, every demand named once."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from jinja2 import TemplateSyntaxError, nodes
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import SandboxedEnvironment

from specs import hints
from specs.corpus import Entry
from specs.errors import Problem
from specs.located import Steps

Words = Mapping[str, tuple[str, ...]]  # words at hand, with the parts that each has
FILTERS = ("a", "q", "words", "s", "plural", "month")  # beside Jinja's own; generators/words.py defines them


@functools.cache
def _environment() -> SandboxedEnvironment:
    env = SandboxedEnvironment(autoescape=False)
    env.filters.update(dict.fromkeys(FILTERS, str))
    return env


@dataclass(frozen=True)
class Read:
    """What a text mentions: filters that do not exist, words it does not set, (word, part of it), each name as often as it occurs."""

    filters: tuple[str, ...]
    words: tuple[str, ...]
    parts: tuple[tuple[str, str], ...]
    names: tuple[str, ...]


@functools.lru_cache(1 << 13)  # skeletons are looked at twice, as texts and for their demands
def read(text: str) -> Read | str:
    """What a text mentions, or why it is not Jinja. Jinja looks no further than to an unknown filter."""
    env = _environment()
    try:
        tree = env.parse(text)
    except TemplateSyntaxError as error:
        return f"not Jinja: {error.message}"
    unknown = tuple(f.name for f in tree.find_all(nodes.Filter) if f.name not in env.filters)
    parts = tuple((p.node.name, p.attr) for p in tree.find_all(nodes.Getattr) if isinstance(p.node, nodes.Name))
    free = () if unknown else tuple(sorted(find_undeclared_variables(tree)))
    return Read(unknown, free, parts, tuple(n.name for n in tree.find_all(nodes.Name)))


def check(entry: Entry, steps: Steps, text: str, words: Words) -> Iterator[Problem]:
    """Problems of a text: Jinja that does not parse, unknown filters, words or parts of words that are not at hand."""
    found = read(str(text))
    if isinstance(found, str):
        yield entry.problem(steps, found)
        return
    for name in found.filters:
        yield entry.problem(steps, f"unknown filter '{name}'", hints.among(name, FILTERS))
    if found.filters:
        return
    for word in found.words:
        if word not in words:
            yield entry.problem(steps, f"unknown word '{word}'", hints.among(word, sorted(words)))
    for word, part in found.parts:
        if part not in words.get(word, (part,)):
            known = words[word]
            hint = hints.among(part, known) if known else f"write {{{{ {word} }}}}"
            yield entry.problem(steps, f"'{word}' has no part '{part}'", hint)


def check_all(entry: Entry, steps: Steps, texts: Iterable[str], words: Words) -> Iterator[Problem]:
    """Problems of each text of a list."""
    for number, text in enumerate(texts):
        yield from check(entry, (*steps, number), text, words)


def check_skeletons(
    entry: Entry, steps: Steps, texts: list[str], words: Words, spoken: dict[str, str], goes_somewhere: bool = True
) -> Iterator[Problem]:
    """Problems of skeletons: as for sayings; demands that are missing or named twice; `{{ out }}` missing where a result goes somewhere.

    `spoken` maps each word that stands for a demand to that demand.
    """
    yield from check_all(entry, steps, texts, {**words, **dict.fromkeys(spoken, ())})
    for number, text in enumerate(texts):
        found = read(str(text))
        if isinstance(found, str):
            continue
        names = Counter(found.names)
        for demand in dict.fromkeys(spoken.values()):
            ways = [word for word, meant in spoken.items() if meant == demand]
            count = sum(names[word] for word in ways)
            if count != 1:
                how = f"names {count} times" if count else "does not name"
                yield entry.problem((*steps, number), f"{how} the demand '{demand}'", f"write {{{{ {ways[0]} }}}} once")
        if goes_somewhere and not names["out"]:
            yield entry.problem((*steps, number), "does not name {{ out }}", "say where the result goes")
