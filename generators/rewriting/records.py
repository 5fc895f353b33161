"""The records of wording: what a compiled instruction says, demand by demand, and the words that may take its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from specs import digests
from specs.located import Steps
from specs.records import SCHEMA_VERSION


@dataclass(frozen=True)
class Literal:
    """Something that words must keep as it is. `kind`: path | quoted | number | name | column."""

    kind: str
    text: str


@dataclass(frozen=True)
class Demand:
    """One demand as the compiled instruction states it. `step` counts from 1; 0 is what holds of the whole task."""

    step: int
    name: str
    saying: str
    literals: tuple[Literal, ...]


@dataclass(frozen=True)
class Wording:
    """The compiled wording of a task: the instruction, its passages (`opening`, one for each step, `closing`), and its demands.

    `people` are the names that the persona and the scenario bring with them.
    """

    id: str
    persona: str
    scenario: str
    instruction: str
    opening: str
    steps: tuple[str, ...]
    closing: str
    people: tuple[str, ...]
    demands: tuple[Demand, ...]
    schema_version: int = SCHEMA_VERSION

    @property
    def digest(self) -> str:
        """Digest of the compiled instruction: what a wording by hand says that it was written for."""
        return digests.of_bytes(self.instruction.encode())


@dataclass(frozen=True)
class Rewording:
    """Other words for a task, passage by passage; `quotes` gives for each demand, by name, the words that state it."""

    opening: str
    steps: tuple[str, ...]
    closing: str
    quotes: Mapping[str, str]

    @property
    def passages(self) -> tuple[str, ...]:
        """Opening, steps, closing, those without words left out."""
        return tuple(p for p in (self.opening.strip(), *(s.strip() for s in self.steps), self.closing.strip()) if p)

    @property
    def instruction(self) -> str:
        """The passages as one text."""
        return "\n\n".join(self.passages)


@dataclass(frozen=True)
class Refusal:
    """Why a rewording is not taken: a word for counting, what is wrong, the part of the rewording that it is about, what would help."""

    reason: str
    what: str
    steps: Steps = ()
    hint: str = ""
