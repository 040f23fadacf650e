"""What holds for every test."""

import gc
import signal
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.examples import examples

# Whatever is imported and collected stays: visiting it again and again took half of the collection's time.
gc.disable()

pytest_plugins = ["tests.support.watchdog", "tests.support.distribution", "tests.support.live.fixtures"]

# An example may take as long as a busy machine takes for it; the test as a whole has the watchdog's limit.
settings.register_profile(
    "any machine", max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

# A run that a script began with `&` ignores SIGINT. Processes that tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Exempt the collected tests from garbage collection, which would visit a million objects each time."""
    result = yield
    gc.collect()
    gc.freeze()
    gc.enable()
    return result
