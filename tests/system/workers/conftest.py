"""Real workers as processes on the session's stack, and looks at Kafka from outside."""

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if "system/workers" in str(item.path):
            item.add_marker(pytest.mark.integration)
