"""Certificates for servers that want TLS; each test module starts the one server that it is about."""

from functools import partial

import pytest

from tests.support.servers import certificates
from tests.support.servers.tls_front import tls_front


def pytest_collection_modifyitems(items):
    for item in items:
        if "integration/secured" in str(item.path):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    # Kafka, Cassandra and Valkey read them as the user who runs the tests.
    return certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def front(certs):
    """Puts TLS with the test's certificate in front of a port."""
    return partial(tls_front, context=certs.server_context())
