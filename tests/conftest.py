"""What holds for every test."""

import gc
import signal
from collections.abc import Generator
from types import FrameType
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

#: Objects that are made until the next collection of the youngest generation, and collections of one until the next.
GARBAGE_THRESHOLDS = (10_000, 20, 100)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, as Python's own handler does."""
    signal.default_int_handler(number, frame)


# A run that a script began with `&` ignores SIGINT. Processes that tests start would inherit that. The handler is not
# Python's own: asyncio would put another in its place, and back, for each fixture and each test.
signal.signal(signal.SIGINT, _interrupt)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Exempt the collected tests from garbage collection, which would visit a million objects each time."""
    result = yield
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    gc.enable()
    return result
