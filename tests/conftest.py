"""Property tests assert no wall times, on any machine; and what is costly to make is made by one worker for all tests that use it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("clawgym", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("clawgym")

WHOLE = ("test_generators_compile.py", "test_generators_demands_said.py", "test_sandbox_hostile_rollouts.py")  # one fixture serves the file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Each test goes to the next worker that is free, but those of a file in WHOLE stay together."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduler(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return file if file.endswith(WHOLE) else nodeid

    return Scheduler(config, log)
