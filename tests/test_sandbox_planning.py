"""Which rollouts there are to be, and what their ids depend on."""

from __future__ import annotations

from dataclasses import replace

import making
import pytest
from projects import SAMPLING, TASKS, solved

from sandbox.agents import scripted_agent
from sandbox.box import Caps, Sandbox
from sandbox.episodes import Attempt
from sandbox.planning import plan
from specs.records import Limits

ATTEMPT = Attempt(TASKS[0], "x", {"name": "x", "digest": "d"}, SAMPLING, Limits(3, 60, 100), Caps(), 0)
OTHERS = {
    "task": replace(ATTEMPT, task=TASKS[1]),
    "policy": replace(ATTEMPT, policy={"name": "x", "digest": "e"}),
    "sampling": replace(ATTEMPT, sampling={**SAMPLING, "temperature": 0.8}),
    "limits": replace(ATTEMPT, limits=Limits(4, 60, 100)),
    "caps": replace(ATTEMPT, caps=Caps(memory_mb=1)),
    "number": replace(ATTEMPT, number=1),
}


@pytest.mark.parametrize("part", OTHERS)
def test_the_id_depends_on_what_can_change_the_outcome(part: str) -> None:
    assert OTHERS[part].id != ATTEMPT.id


def test_only_the_teacher_depends_on_solutions() -> None:
    solutions = solved(TASKS[0]), making.solution([("", {}, "Something else.")], TASKS[0].id)
    one, other = (scripted_agent("teacher", 0, TASKS, [s]).policy_for(TASKS[0]) for s in solutions)
    assert one != other
    assert "solution" not in scripted_agent("echo", 0, TASKS, []).policy_for(TASKS[0])


def test_an_agents_own_steps_stand_before_the_tasks() -> None:
    own, tasks = (scripted_agent("echo", steps, TASKS, []) for steps in (4, 0))
    assert next(plan(own, TASKS, 1, Caps(), Sandbox())).limits == replace(TASKS[0].limits, steps=4)
    assert next(plan(tasks, TASKS, 1, Caps(), Sandbox())).limits == TASKS[0].limits
