"""The agents a rollout can be made of: scripted, a checkpoint of ours, anybody's endpoint. Each knows how it is reached."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import plays, scripted, served, styles
from sandbox.endpoint import Endpoint
from sandbox.styles import Styles
from specs import digests
from specs.records import Solution, Task

KEY = "OPENAI_API_KEY"
TOKENS = {"logprobs": True, "return_token_ids": True}  # what our own server is asked for besides text


@dataclass(frozen=True)
class Agent:
    """Who works: its name, its policy (as recorded) per task, how it samples, its own step limit (0: the task's), its endpoint,
    which is up while the context lasts."""

    name: str
    policy_for: Callable[[Task], dict[str, Any]]
    sampling: Mapping[str, Any]
    steps: int
    opened: Callable[[], AbstractContextManager[Endpoint]]


def scripted_agent(name: str, steps: int, tasks: Sequence[Task], solutions: Sequence[Solution], variety: Styles | None = None) -> Agent:
    """A policy that is code of ours: known by its digest, the teacher also by its solution's and its style. Nothing is sampled."""
    code = digests.of_bytes(Path(plays.__file__).read_bytes())
    solved = {solution.id: {"solution": solution.digest} for solution in solutions}

    def policy_for(task: Task) -> dict[str, Any]:
        style = {"styles": styles.record(variety, task)} if variety else {}
        return {"name": name, "digest": code, **solved.get(task.id, {}), **style}

    @contextmanager
    def opened() -> Iterator[Endpoint]:
        with scripted.serve(name, tasks, solutions, styles.policy(variety, steps) if variety else None) as url:
            yield Endpoint(url, name)

    return Agent(name, policy_for, {}, steps, opened)


def served_agent(name: str, folder: Path, sampling: Mapping[str, Any], steps: int) -> Agent:
    """A checkpoint of ours behind a server that lives as long as the connection. Raises UserError where `folder` has no weights."""
    policy = {"name": name, "digest": served.digest_of_model(folder)}

    @contextmanager
    def opened() -> Iterator[Endpoint]:
        with served.serve_model(folder) as url:
            yield Endpoint(url, name, extra=TOKENS)

    return Agent(name, lambda task: policy, sampling, steps, opened)


def remote_agent(url: str, model: str, sampling: Mapping[str, Any]) -> Agent:
    """Somebody's endpoint: known by URL and model name, for its weights are out of sight. The key is taken from the environment."""
    policy = {"name": model, "digest": digests.digest({"endpoint": url, "model": model})}

    @contextmanager
    def opened() -> Iterator[Endpoint]:
        yield Endpoint(url, model, os.environ.get(KEY))

    return Agent(model, lambda task: policy, sampling, 0, opened)
