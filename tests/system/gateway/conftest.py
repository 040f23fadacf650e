"""Two real workers behind a real gateway."""

import pytest

from tests.support.live.fixtures import eventually, migrate, migrated, module_workers, people

__all__ = ["eventually", "migrate", "migrated", "module_workers", "people"]


def pytest_collection_modifyitems(items):
    for item in items:
        if "system/gateway" in str(item.path):
            item.add_marker(pytest.mark.integration)
