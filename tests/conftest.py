"""Shared set-up: hypothesis profiles, and a look-out for modules imported under two names."""

from __future__ import annotations

import sys

from hypothesis import HealthCheck, settings

from tests.sizes import pick

settings.register_profile("default", max_examples=pick(50, 150, 3000), deadline=None, print_blob=True)
settings.register_profile(
    "slow-machine", parent=settings.get_profile("default"), suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("slow-machine")


def pytest_sessionfinish(session: object, exitstatus: int) -> None:
    """A part imported as `schemas` instead of `earwitness.schemas` would be a second copy of every class."""
    doubled = sorted(name for name in ("schemas", "recorder", "replay", "migrations", "cli") if name in sys.modules)
    if doubled:
        raise RuntimeError(f"imported under two names: {', '.join(doubled)}")
