"""Sayings and skeletons, looked at without rendering them: Jinja that parses, words that are at hand, every demand named once."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

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


def check(entry: Entry, steps: Steps, text: str, words: Words) -> Iterator[Problem]:
    """Problems of a text: Jinja that does not parse, unknown filters, words or parts of words that are not at hand."""
    tree = _parsed(entry, steps, text)
    if isinstance(tree, Problem):
        yield tree
        return
    unknown = [f.name for f in tree.find_all(nodes.Filter) if f.name not in _environment().filters]
    for name in unknown:
        yield entry.problem(steps, f"unknown filter '{name}'", hints.among(name, FILTERS))
    if unknown:
        return  # Jinja looks no further
    for word in sorted(find_undeclared_variables(tree) - set(words)):
        yield entry.problem(steps, f"unknown word '{word}'", hints.among(word, sorted(words)))
    for part in tree.find_all(nodes.Getattr):
        if isinstance(part.node, nodes.Name) and part.attr not in words.get(part.node.name, (part.attr,)):
            known = words[part.node.name]
            hint = hints.among(part.attr, known) if known else f"write {{{{ {part.node.name} }}}}"
            yield entry.problem(steps, f"'{part.node.name}' has no part '{part.attr}'", hint)


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
        tree = _parsed(entry, (*steps, number), text)
        if isinstance(tree, Problem):
            continue
        names = Counter(n.name for n in tree.find_all(nodes.Name))
        for demand in dict.fromkeys(spoken.values()):
            ways = [word for word, meant in spoken.items() if meant == demand]
            count = sum(names[word] for word in ways)
            if count != 1:
                how = f"names {count} times" if count else "does not name"
                yield entry.problem((*steps, number), f"{how} the demand '{demand}'", f"write {{{{ {ways[0]} }}}} once")
        if goes_somewhere and not names["out"]:
            yield entry.problem((*steps, number), "does not name {{ out }}", "say where the result goes")


def _parsed(entry: Entry, steps: Steps, text: Any) -> nodes.Template | Problem:
    try:
        return _environment().parse(str(text))
    except TemplateSyntaxError as error:
        return entry.problem(steps, f"not Jinja: {error.message}")
