"""The record of a compiled wording: its passages, and each demand with the literals that other words must keep."""

from __future__ import annotations

from generators.instruction import Composed
from generators.rewriting.literals import literals, plain
from generators.rewriting.records import Demand, Wording
from specs.catalogue import Spec


def wording_of(identity: str, story: tuple[Spec, Spec], composed: Composed) -> Wording:
    """The record of a task's compiled wording; `story` is its scenario and its persona.

    A demand's name is `<step>-<skill>.<operation>/<demand>`, without the step where it holds of the whole task; one that occurs
    twice is numbered.
    """
    scenario, persona = story
    people = _people(scenario, persona)
    demands: dict[str, Demand] = {}
    for one in composed.said:
        first = name = f"{one.step}-{one.name}" if one.step else one.name
        count = 1
        while name in demands:
            count += 1
            name = f"{first}-{count}"
        demands[name] = Demand(one.step, name, one.saying, literals(one.saying, people, one.columns))
    return Wording(
        id=identity,
        persona=persona.name,
        scenario=scenario.name,
        instruction=composed.text,
        opening=composed.opening,
        steps=composed.steps,
        closing=composed.closing,
        people=people,
        demands=tuple(demands.values()),
    )


def _people(scenario: Spec, persona: Spec) -> tuple[str, ...]:
    """The words of the names of those who ask and those who are written to."""
    asker = str(persona["who"]).partition(",")[0]
    names = plain(" ".join([asker, *scenario.get("people", [])])).split()
    return tuple(dict.fromkeys(n for n in names if n[0].isupper() and len(n) > 1))
