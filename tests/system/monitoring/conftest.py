"""Real workers that a real Prometheus scrapes."""

import pytest

from tests.support.live.fixtures import eventually, migrate, migrated, module_workers, people
from tests.support.servers.prometheus import MISSING, PROGRAM

__all__ = ["eventually", "migrate", "migrated", "module_workers", "people"]


def pytest_collection_modifyitems(items):
    for item in items:
        if "system/monitoring" in str(item.path):
            item.add_marker(pytest.mark.integration)
            item.add_marker(pytest.mark.skipif(PROGRAM is None, reason=MISSING))
