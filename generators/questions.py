"""What is asked of a database: SQL over inputs, with a value for each parameter that it mentions."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from generators import views
from generators.relations import Row
from generators.statements import literal, param_of
from generators.views import Binding, Cut

KEPT = 512
Answer = tuple[list[str], list[Row]]  # names of columns, and rows


@dataclass(frozen=True, eq=False)
class Question:
    """SQL, its inputs by the names of their views, and its parameters."""

    sql: str
    inputs: dict[str, Binding]
    params: dict[str, Any]

    @functools.cached_property
    def shown(self) -> Hashable:
        """The inputs as something to tell them from others by."""
        return tuple((name, binding.relation, tuple(binding.names.items())) for name, binding in self.inputs.items())

    @property
    def key(self) -> Hashable:
        """Equal for questions that have the same answer."""
        return self.sql, self.shown, tuple((p, type(v), v) for p, v in self.params.items())

    @functools.cached_property
    def cuts(self) -> dict[str, Cut]:
        """How much of each input the SQL sees."""
        return {name: views.cut(binding, self.sql) for name, binding in self.inputs.items()}

    @property
    def shape(self) -> Hashable:
        """The views that the SQL sees: their names, and the names and types of their columns."""
        return tuple((name, part.shape) for name, part in self.cuts.items())

    @property
    def kinds(self) -> dict[str, str]:
        """The type in SQL of each parameter. Raises TypeError for a value that no parameter has."""
        return {name: literal(value)[1] for name, value in self.params.items()}


def question(sql: str, inputs: dict[str, Binding], params: dict[str, Any]) -> Question:
    """The question of `sql`, without parameters that it does not mention."""
    return Question(sql, inputs, {p: v for p, v in params.items() if _mentions(p, sql)})


@functools.cache
def _mentions(param: str, sql: str) -> bool:
    return param_of(param).search(sql) is not None


class Database(ABC):
    """What answers SQL over inputs. Answers are kept for a while: a task asks the same of the same rows many times."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, Answer] = {}

    @abstractmethod
    def answer(self, asked: Question) -> Answer:
        """The answer, made anew. Raises TruthError."""

    def query(self, sql: str, inputs: dict[str, Binding], params: dict[str, Any]) -> Answer:
        """Column names and rows of `sql` over the inputs as views. Raises TruthError."""
        asked = question(sql, inputs, params)
        key = asked.key
        if key not in self._answers:
            found = self.answer(asked)
            if len(self._answers) >= KEPT:
                self._answers.clear()
            self._answers[key] = found
        columns, rows = self._answers[key]
        return list(columns), list(rows)
