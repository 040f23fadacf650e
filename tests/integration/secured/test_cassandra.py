"""Cassandra that wants TLS, a certificate of ours and a login."""

import socket
import ssl

import pytest
from pydantic import SecretStr

from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.local.cassandra import Cassandra as Node
from microblog_streams.local.files import write_atomic
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.keyspace import migrate
from microblog_streams.stores.cassandra.posts import Posts
from tests.support.connections import opened
from tests.support.servers.alone import serving
from tests.support.waiting import PATIENT_SECONDS, until

SECURED = """
authenticator: PasswordAuthenticator
authorizer: CassandraAuthorizer
client_encryption_options:
  enabled: true
  optional: false
  require_client_auth: true
  keystore: {certs.server}
  truststore: {certs.ca}
  ssl_context_factory:
    class_name: org.apache.cassandra.security.PEMBasedSslContextFactory
"""


class SecuredNode(Node):
    certs = None

    def prepare(self, children):
        super().prepare(children)
        config = self.home / "cassandra.yaml"
        write_atomic(config, config.read_text() + SECURED.format(certs=self.certs))

    def answers(self):
        context = ssl.create_default_context(cafile=self.certs.ca)
        context.load_cert_chain(self.certs.client_cert, self.certs.client_key)
        with (
            socket.create_connection(("127.0.0.1", self.port), 2) as connection,
            context.wrap_socket(connection, server_hostname="127.0.0.1") as secured,
        ):
            secured.sendall(bytes.fromhex("040000000500000000"))
            return secured.recv(9)[4:5] == b"\x06"


@pytest.fixture(scope="module")
def stack(certs):
    SecuredNode.certs = certs
    with serving(SecuredNode) as stack:
        yield stack


@pytest.fixture
def settings(stack, certs):
    """Settings that are right, with changes."""
    port = stack.parts["cassandra"].port

    def changed(login="cassandra:cassandra", **changes):
        right = {
            "cassandra_url": SecretStr(f"cassandra://{login}@127.0.0.1:{port}/secured"),
            "cassandra_ca": certs.ca,
            "cassandra_cert": certs.client_cert,
            "cassandra_key": certs.client_key,
            "store_timeout": PATIENT_SECONDS,
        }
        return stack.settings.model_copy(update={**right, **changes})

    return changed


async def refused(settings):
    with pytest.raises(SetupError) as told:
        async with opened(Cassandra(settings)):
            pass
    assert "\n" not in str(told.value)
    return str(told.value)


async def test_certificates_and_password_are_checked(settings):
    async def made():
        try:  # the first user is made a moment after the node is there
            await migrate(settings())
        except (SetupError, StoreUnavailable):
            return False
        return True

    await until(made)
    cassandra = Cassandra(settings())
    posts = Posts(cassandra)
    async with opened(cassandra):
        assert await posts.newest(1, None, 5) == []


async def test_a_wrong_password_is_reported_in_one_line(settings):
    told = await refused(settings("cassandra:wrong-secret"))
    assert "refuses the login in MICROBLOG_CASSANDRA_URL" in told
    assert "wrong-secret" not in told


async def test_an_untrusted_certificate_is_reported_in_one_line(settings, certs):
    told = await refused(settings(cassandra_ca=certs.other_ca))
    assert "certificate of Cassandra is not trusted" in told
    assert "MICROBLOG_CASSANDRA_CA" in told


async def test_a_node_that_requires_tls_is_retried_and_named(settings):
    cassandra = Cassandra(settings(cassandra_ca=None, cassandra_cert=None, cassandra_key=None, store_timeout=2.0))
    with pytest.raises(StoreUnavailable, match="no host answers"):
        await cassandra.connect()
    await cassandra.close()
