"""Real workers that a real Prometheus scrapes."""

import pytest

from tests.support.servers.prometheus import MISSING, PROGRAM


def pytest_collection_modifyitems(items):
    for item in items:
        if "system/monitoring" in str(item.path):
            item.add_marker(pytest.mark.integration)
            item.add_marker(pytest.mark.skipif(PROGRAM is None, reason=MISSING))
