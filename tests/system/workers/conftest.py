"""Real workers as processes on the session's stack, and looks at Kafka from outside."""

import pytest

from tests.support.live.fixtures import eventually, kafka, migrate, migrated, module_workers, people, workers

__all__ = ["eventually", "kafka", "migrate", "migrated", "module_workers", "people", "workers"]


def pytest_collection_modifyitems(items):
    for item in items:
        if "system/workers" in str(item.path):
            item.add_marker(pytest.mark.integration)
