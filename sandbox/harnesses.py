"""The harnesses an agent can work under. Each gives, for as long as what it needs is up, a function that makes an attempt a rollout."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox import blackbox, openclaw, pool
from sandbox.agents import Agent
from sandbox.box import Caps, Sandbox
from sandbox.endpoint import connect
from sandbox.episodes import Attempt, roll_out
from sandbox.harness import HARNESS
from specs.records import Rollout

RollOut = Callable[[Attempt], Rollout]
"""Makes an attempt, in a box of its own; safe for many threads. Never raises for what a policy, an endpoint or a box does."""


@dataclass(frozen=True)
class Harness:
    """`told`: name, version, and what else of it changes what comes out, as records and their keys have it. `opened`: a function
    that rolls out attempts of an agent, all of one sandbox and caps, for as long as the context lasts."""

    told: Mapping[str, Any]
    opened: Callable[[Agent, Caps, Sandbox], AbstractContextManager[RollOut]]


@contextmanager
def _builtin(agent: Agent, caps: Caps, sandbox: Sandbox) -> Iterator[RollOut]:
    with pool.warm(caps, sandbox) as opened, agent.opened() as endpoint:
        complete = connect(endpoint.url, endpoint.model, endpoint.api_key, endpoint.timeout_s, endpoint.extra)
        yield lambda attempt: roll_out(attempt, complete, opened)


BUILTIN = Harness(HARNESS, _builtin)


def _openclaw(settings: Mapping[str, Any]) -> Harness:
    program = openclaw.program(settings)
    return Harness(program.told, functools.partial(blackbox.opened, program))


HARNESSES: dict[str, Callable[[Mapping[str, Any]], Harness]] = {"builtin": lambda settings: BUILTIN, "openclaw": _openclaw}
"""By name, made from the settings that params.yaml has for each under `rollout`. Raise UserError for what one can't work with."""
