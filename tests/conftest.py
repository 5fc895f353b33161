"""Property tests assert no wall times, on any machine."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("clawgym", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("clawgym")
