"""The agents a rollout can be made of: scripted, a checkpoint of ours, anybody's endpoint. Each knows how it is reached."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sandbox import plays, scripted, served, styles
from sandbox.endpoint import ANSWER_S, Endpoint
from sandbox.styles import Styles
from specs import digests
from specs.records import Json, Solution, Task

KEY = "OPENAI_API_KEY"
TOKENS = {"logprobs": True, "return_token_ids": True}  # what our own server is asked for besides text


@dataclass(frozen=True)
class Recipe:
    """An agent as data, from which another machine makes the same one: an endpoint's where there is a `url`, else a scripted one."""

    name: str
    url: str
    sampling: Json
    steps: int
    timeout_s: float
    tasks: tuple[Task, ...] = ()
    solutions: tuple[Solution, ...] = ()
    variety: Styles | None = None


@dataclass(frozen=True)
class Agent:
    """Who works: its name, its policy (as recorded) per task, how it samples, its own step limit (0: the task's), its endpoint,
    which is up while the context lasts; and its recipe, unless only this machine can reach it."""

    name: str
    policy_for: Callable[[Task], dict[str, Any]]
    sampling: Mapping[str, Any]
    steps: int
    opened: Callable[[], AbstractContextManager[Endpoint]]
    recipe: Recipe | None = None


def scripted_agent(name: str, steps: int, tasks: Iterable[Task], solutions: Iterable[Solution], variety: Styles | None = None) -> Agent:
    """A policy that is code of ours: known by its digest, the teacher also by its solution's and its style. Nothing is sampled.

    It holds all its tasks; what is in their files only where its styles look at that.
    """
    code = digests.of_bytes(Path(plays.__file__).read_bytes())
    held = tuple(tasks if variety else map(_without_contents, tasks))
    recipe = Recipe(name, "", {}, steps, ANSWER_S, held, tuple(solutions), variety)
    solved = {solution.id: {"solution": solution.digest} for solution in recipe.solutions}

    def policy_for(task: Task) -> dict[str, Any]:
        style = {"styles": styles.record(variety, task)} if variety else {}
        return {"name": name, "digest": code, **solved.get(task.id, {}), **style}

    @contextmanager
    def opened() -> Iterator[Endpoint]:
        with scripted.serve(name, recipe.tasks, recipe.solutions, styles.policy(variety, steps) if variety else None) as url:
            yield Endpoint(url, name)

    return Agent(name, policy_for, {}, steps, opened, recipe)


def served_agent(name: str, folder: Path, sampling: Mapping[str, Any], steps: int, timeout_s: float = ANSWER_S) -> Agent:
    """A checkpoint of ours behind a server that lives as long as the connection. Raises UserError where `folder` has no weights."""
    policy = {"name": name, "digest": served.digest_of_model(folder)}

    @contextmanager
    def opened() -> Iterator[Endpoint]:
        with served.serve_model(folder) as url:
            yield Endpoint(url, name, extra=TOKENS, timeout_s=timeout_s)

    return Agent(name, lambda task: policy, sampling, steps, opened)


def remote_agent(url: str, model: str, sampling: Mapping[str, Any], timeout_s: float = ANSWER_S) -> Agent:
    """Somebody's endpoint: known by URL and model name, for its weights are out of sight. The key is taken from the environment of
    the machine that calls it, `timeout_s` is what it has for an answer."""
    policy = {"name": model, "digest": digests.digest({"endpoint": url, "model": model})}

    @contextmanager
    def opened() -> Iterator[Endpoint]:
        yield Endpoint(url, model, os.environ.get(KEY), timeout_s=timeout_s)

    return Agent(model, lambda task: policy, sampling, 0, opened, Recipe(model, url, sampling, 0, timeout_s))


def made(recipe: Recipe) -> Agent:
    """The agent of a recipe."""
    if recipe.url:
        return remote_agent(recipe.url, recipe.name, recipe.sampling, recipe.timeout_s)
    return scripted_agent(recipe.name, recipe.steps, recipe.tasks, recipe.solutions, recipe.variety)


def _without_contents(task: Task) -> Task:
    files = tuple(replace(file, content=b"") for file in task.workspace)
    return replace(task, workspace=files, services=())
