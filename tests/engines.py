"""A Docker engine for tests: a test that needs one is skipped where there is none and none can be started."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from benchmarks import engine as engines

BACKENDS = ("bwrap", "docker")


@contextmanager
def engine() -> Iterator[str]:
    """The address of an engine; skips where there is none and none can be started."""
    with ExitStack() as stack:
        try:
            address = stack.enter_context(engines.engine())
        except engines.NoEngine as error:
            pytest.skip(str(error))
        yield address
