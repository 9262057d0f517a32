"""Fixtures for all tests, and the profiles of the property tests."""

import os

from hypothesis import HealthCheck, settings

from tests.support.world import authority, maker_key, world

__all__ = ["authority", "maker_key", "world"]

# Timing is measured by benchmarks; a loaded machine must not fail a property.
settings.register_profile(
    "quick", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=2_000)
# Many runs in one process, each with the same few examples.
settings.register_profile(
    "mutants",
    settings.get_profile("quick"),
    max_examples=25,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

collect_ignore = ["fuzz/openpgp.py", "typing/downstream"]
"""The first needs atheris, which `make fuzz` installs; the second is a project of its own."""
