"""Real workers of a deployment of their own, whose partitions grow."""

import pytest

from tests.support.live.growing import command, kafka, parts, separate, two, workers

__all__ = ["command", "kafka", "parts", "separate", "two", "workers"]


def pytest_collection_modifyitems(items):
    for item in items:
        if "system/growth" in str(item.path):
            item.add_marker(pytest.mark.integration)
