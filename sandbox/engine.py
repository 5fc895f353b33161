"""The Docker engine of this machine, and the removal of containers that killed processes left there."""

from __future__ import annotations

import functools
import os
from contextlib import suppress
from typing import Any

import docker
from docker.errors import DockerException, NotFound
from docker.utils import kwargs_from_env

from sandbox import cgroups
from sandbox.faults import BoxError

STARTER = "clawgym.starter"  # the label that names the process which started a container, by pid and start time
SECONDS = 60  # for an answer of the engine


def connect() -> Any:
    """The engine that the environment names (DOCKER_HOST), as a docker.APIClient of this process; containers of dead starters are
    removed first.

    Raises BoxError where none answers.
    """
    return _engine(os.environ.get("DOCKER_HOST", ""), os.getpid())  # a process that was forked must not share connections


@functools.cache
def _engine(address: str, pid: int) -> Any:
    try:
        api = docker.APIClient(**kwargs_from_env(), version="auto", timeout=SECONDS)
        api.headers["Connection"] = "close"  # else one is kept for each URL, and so for each container
        sweep(api)
    except DockerException as error:
        raise BoxError(f"no Docker engine answers: {error}; start one, or name it in DOCKER_HOST") from error
    return api


def sweep(api: Any) -> None:
    """Remove the containers of ours whose starter is dead."""
    for found in api.containers(all=True, filters={"label": STARTER}):
        pid, _, started = found["Labels"][STARTER].partition("-")
        if not pid.isdigit() or cgroups.started(int(pid)) != started:
            with suppress(NotFound):
                api.remove_container(found["Id"], force=True, v=True)
