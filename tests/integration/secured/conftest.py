"""Servers that want a password and TLS, one at a time, each below a folder of its own."""

import shutil
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from microblog_streams.local.options import load_local_settings
from microblog_streams.local.stack import Stack
from tests.servers import certificates
from tests.servers.tls_front import tls_front


def pytest_collection_modifyitems(items):
    for item in items:
        if "integration/secured" in str(item.path):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def certs():
    folder = Path(tempfile.mkdtemp(prefix="microblog-test-"))
    yield certificates.make(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def serving():
    """Starts parts of the local stack, and nothing else, for as long as a block lasts."""

    @contextmanager
    def serve(*parts):
        folder = Path(tempfile.mkdtemp(prefix="microblog-test-"))
        try:
            with Stack(folder / "data", load_local_settings(), parts=parts) as stack:
                yield stack
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return serve


@pytest.fixture
def front(certs):
    """Puts TLS with the test's certificate in front of a port."""
    return partial(tls_front, context=certs.server_context())
