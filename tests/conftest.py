"""Property tests assert no wall times, on any machine; and what is costly to make is made by one worker for all tests that use it."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import engines
import pytest
from hypothesis import HealthCheck, settings

from sandbox import box

settings.register_profile("clawgym", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("clawgym")

WHOLE = (  # one fixture serves the file
    "test_bench_inspecting.py",
    "test_generators_compile.py",
    "test_generators_demands_said.py",
    "test_sandbox_hostile_rollouts.py",
    "test_sandbox_openclaw.py",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Each test goes to the next worker that is free, but those of a file in WHOLE stay together."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduler(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            if "[docker" in nodeid:  # one worker starts one engine for them
                return "docker"
            return file if file.endswith(WHOLE) else nodeid

    return Scheduler(config, log)


@pytest.fixture(scope="session", params=engines.BACKENDS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[box.Sandbox]:
    """Each backend of boxes in turn, with a real engine for the one that needs it."""
    if request.param == "bwrap":
        yield box.Sandbox("bwrap")
        return
    with engines.engine() as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", address)
        yield box.Sandbox("docker")


@pytest.fixture(scope="session")
def open_box(sandbox: box.Sandbox) -> Any:
    """`open_box` with each backend in turn."""
    return functools.partial(box.open_box, sandbox=sandbox)
