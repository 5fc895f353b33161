"""Noise: what makes an input file real. A kind is kept only where someone who overlooks it gets another answer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from generators import chain, misreading
from generators.chain import Bases, Step
from generators.misreading import clash
from generators.questions import Database
from generators.relations import Relation
from generators.statements import TruthError
from specs.catalogue import Spec

KINDS = (0, 1, 1, 2, 2)  # in a file: more than two would have to be told in too many words


@dataclass(frozen=True)
class Noise:
    """A kind of noise in one relation's file, and what each step would yield for someone who overlooks it."""

    relation: str
    kind: str
    answers: tuple[Relation, ...]


def choose(
    db: Database,
    steps: Sequence[Step],
    bases: Bases,
    answers: Sequence[Relation],
    offered: dict[str, list[Spec]],
    rng: random.Random,
) -> list[Noise]:
    """Of the kinds offered for each relation's file, some that make a difference."""
    kept: list[Noise] = []
    for name, kinds in offered.items():
        most = len(kept) + rng.choice(KINDS)
        for kind in rng.sample(kinds, len(kinds)):
            if len(kept) == most:
                break
            if clash(kind.name, (n.kind for n in kept if n.relation == name)):
                continue
            misread = misreading.misread(kind.name, bases[name])
            other = None if misread is None else _answers(db, steps, {**bases, name: misread})
            if other and any(not a.agrees(b) for a, b in zip(other, answers, strict=True)):
                kept.append(Noise(name, kind.name, tuple(other)))
    return kept


def _answers(db: Database, steps: Sequence[Step], bases: Bases) -> list[Relation] | None:
    """What the steps yield; None where they fail, or where a message would have no facts."""
    try:
        answers = chain.run(db, steps, bases)
    except (TruthError, KeyError):
        return None
    spoken = (a for s, a in zip(steps, answers, strict=True) if s.operation.spec["yields"]["as"] == "message")
    return answers if all(a.rows for a in spoken) else None
