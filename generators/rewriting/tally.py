"""What a run of rewording came to: tasks reworded, and rewordings refused by their first reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from generators.rewriting.exchange import Outcome

STAGE = "wording"


@dataclass
class Reworded:
    """Counts tasks as their exchanges end."""

    rewritten: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def book(self, _: str, outcome: Outcome) -> None:
        """Count one outcome."""
        if outcome.rewording is not None:
            self.rewritten += 1
        else:
            self.refused[outcome.refusals[0].reason] += 1
