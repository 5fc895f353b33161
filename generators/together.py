"""Many pieces of work side by side: what several of them ask by the same SQL is asked at once.

Each runs as a greenlet, which stands still while its question waits. Nothing else differs: no piece of work sees another, and which of
them are at hand together changes no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

from generators.batches import Found, answers, group_of
from generators.database import InMemory
from generators.questions import Answer, Database, Question
from generators.statements import TruthError

T = TypeVar("T")
WIDTH = 128  # pieces of work at a time


class Asker(Database):
    """The database as one piece of work sees it."""

    def __init__(self, hub: greenlet) -> None:
        super().__init__()
        self._hub = hub

    def answer(self, asked: Question) -> Answer:
        """What the hub finds, while others go on. Raises TruthError."""
        found: Found = self._hub.switch(asked)
        if isinstance(found, TruthError):
            raise found
        return found


def run(work: Iterable[Callable[[Database], T]], db: InMemory, width: int = WIDTH) -> Iterator[T]:
    """What each piece of work comes to, as they end. Each is given a database to ask."""
    hub, left = getcurrent(), iter(work)
    waiting: dict[Hashable, list[tuple[greenlet, Question]]] = {}
    running = 0

    def resumed(one: greenlet, *given: Any) -> list[T]:
        """Lets one go on until it asks or ends; what it came to, if it ended."""
        nonlocal running
        said = one.switch(*given)
        if one.dead:
            running -= 1
            return [said]
        waiting.setdefault(group_of(said), []).append((one, said))
        return []

    while True:
        while running < width and (piece := next(left, None)) is not None:
            running += 1
            yield from resumed(greenlet(piece, hub), Asker(hub))
        if not waiting:
            return
        asking = waiting.pop(group_of(max(waiting.values(), key=len)[0][1]))  # the other groups grow meanwhile
        for (one, _), found in zip(asking, answers(db, [asked for _, asked in asking]), strict=True):
            yield from resumed(one, found)
