"""One bench instance as the report shows it: what was asked, what each agent did turn by turn, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.reading import Attempt
from bench.turns import Talk, talk
from specs.records import Scorecard, Task

TITLE_CHARS = 150


@dataclass(frozen=True)
class Panel:
    """One attempt of an agent."""

    attempt: Attempt
    state: str  # solved | scored | error
    score: float
    talk: Talk


@dataclass(frozen=True)
class Mark:
    """An agent's outcome on the instance in a word: the mean score over its attempts, and what it counts as."""

    agent: str
    state: str  # solved | scored | error | none
    score: float


@dataclass(frozen=True)
class Instance:
    """A bench instance and all attempts at it."""

    task: Task
    title: str
    marks: tuple[Mark, ...]
    panels: tuple[Panel, ...]
    card: Scorecard | None


def instance(task: Task, attempts: Sequence[Attempt], agents: Iterable[str], card: Scorecard | None, bound: int) -> Instance:
    """The instance with its attempts in order of `agents`; no text is longer than `bound` characters."""
    names = list(agents)
    panels = [_panel(a, bound) for a in sorted(attempts, key=lambda a: (names.index(a.agent), a.attempt))]
    marks = tuple(_mark(name, [p for p in panels if p.attempt.agent == name]) for name in names)
    return Instance(task, title(task.instruction), marks, tuple(panels), card)


def title(instruction: str) -> str:
    """The beginning of an instruction, on one line."""
    words = " ".join(instruction.split())
    return words if len(words) <= TITLE_CHARS else words[:TITLE_CHARS].rsplit(" ", 1)[0] + " …"


def _panel(attempt: Attempt, bound: int) -> Panel:
    return Panel(attempt, attempt.state, attempt.score, talk(attempt.messages, bound))


def _mark(agent: str, panels: Sequence[Panel]) -> Mark:
    graded = [p for p in panels if p.state != "error"]
    if not graded:
        return Mark(agent, "error" if panels else "none", 0.0)
    solved = all(p.state == "solved" for p in graded)
    return Mark(agent, "solved" if solved else "scored", sum(p.score for p in graded) / len(graded))
