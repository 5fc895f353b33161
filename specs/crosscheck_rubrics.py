"""Rubrics against the rest: only texts have one, its criteria have names of their own, their questions name what is at hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specs import sayings
from specs.corpus import Corpus, Entry
from specs.errors import Problem
from specs.located import Steps
from specs.yields import READ


def check(corpus: Corpus) -> Iterator[Problem]:
    """All problems of the templates' rubrics and of the operations'."""
    general: dict[str, set[str]] = {}
    for entry in corpus.all("template").values():
        fits = entry.value.get("fits")
        general.setdefault(str(fits), set()).update(str(c.get("id")) for c in entry.value.get("rubric", []))
        yield from _rubric(entry, ("rubric",), entry.value, fits, set())
    for entry in corpus.all("operations").values():
        for i, operation in enumerate(entry.value.get("operations", [])):
            kind = operation.get("yields", {}).get("as")
            yield from _rubric(entry, ("operations", i, "rubric"), operation, kind, general.get(str(kind), set()))


def _rubric(entry: Entry, steps: Steps, owner: dict[str, Any], kind: str | None, taken: set[str]) -> Iterator[Problem]:
    if "rubric" in owner and kind is not None and kind not in READ:
        yield entry.problem(steps, f"'{kind}' is no text that somebody reads", f"only these have a rubric: {', '.join(READ)}", key=True)
        return
    seen = set(taken)
    for i, criterion in enumerate(owner.get("rubric", [])):
        name = criterion.get("id")
        if name in seen:
            yield entry.problem((*steps, i, "id"), f"a second criterion called '{name}'", "give it a name of its own")
        seen.add(str(name))
        yield from sayings.check(entry, (*steps, i, "ask"), criterion.get("ask", ""), {word: () for word in READ.get(str(kind), ())})
