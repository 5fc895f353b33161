"""The rubric of a task: the questions of its texts' templates and operations, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from generators import artifacts
from generators.naming import Asked
from generators.words import render
from specs.catalogue import Catalogue
from specs.records import RubricItem, Weights
from specs.yields import READ

CODE, JUDGED = 0.7, 0.3  # shares of the score where there is a rubric, as in the paper


def rubric(catalogue: Catalogue, asked: Iterable[Asked]) -> tuple[RubricItem, ...]:
    """The questions about each text that the task asks for, step by step; none where it asks for no text."""
    return tuple(item for number, one in enumerate(asked, 1) for item in _items(catalogue, number, one))


def weights(items: tuple[RubricItem, ...]) -> Weights:
    """What code and rubric count for."""
    return Weights(CODE, JUDGED) if items else Weights(1.0, 0.0)


def _items(catalogue: Catalogue, number: int, one: Asked) -> Iterator[RubricItem]:
    kind, operation = one.artifact.kind, one.step.operation.spec
    if kind not in READ:
        return
    said = artifacts.of(one.artifact).words(one.artifact, one.answer)
    words: dict[str, Any] = {word: said[word] for word in READ[kind]}
    for criterion in [*catalogue.templates[kind].get("rubric", []), *operation.get("rubric", [])]:
        yield RubricItem(
            id=f"{number}-{operation.name}/{criterion['id']}",
            question=render(criterion["ask"], words),
            weight=float(criterion["weight"]),
            path=one.artifact.path,
            beside=criterion.get("beside", "request"),
            spoiled_by=tuple(criterion["spoiled_by"]),
        )
