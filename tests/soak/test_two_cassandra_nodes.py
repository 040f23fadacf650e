"""Two Cassandra nodes with two copies of everything: what goes on when one of them dies."""

import asyncio
import socket
from contextlib import suppress

import pytest
from pydantic import SecretStr

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import Post
from microblog_streams.local.cassandra import HEAP_MB
from microblog_streams.local.cassandra import Cassandra as Node
from microblog_streams.local.files import write_atomic
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.driver import ERRORS, open_cluster
from microblog_streams.stores.cassandra.keyspace import migrate
from microblog_streams.stores.cassandra.posts import Posts
from tests.support.servers.alone import serving
from tests.support.waiting import until

pytestmark = pytest.mark.integration


class First(Node):
    """A node that knows of the other one. Both can start alone, as each is a seed."""

    host, token = "127.0.0.1", 0

    def prepare(self, children):
        super().prepare(children)
        config, storage = self.home / "cassandra.yaml", self.place.ports["cassandra-storage"]
        changes = {
            f'"127.0.0.1:{storage}"': f'"127.0.0.1:{storage},127.0.0.2:{storage}"',
            "listen_address: 127.0.0.1": f"listen_address: {self.host}",
            "rpc_address: 127.0.0.1": f"rpc_address: {self.host}",
            "initial_token: 0": f"initial_token: {self.token}",
        }
        text = config.read_text()
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        write_atomic(config, text)

    def command(self):
        # Without a delay, a node forgets another one that has not taken its place in the ring yet.
        changes = {f"-Xms{HEAP_MB}m": "-Xms256m", f"-Xmx{HEAP_MB}m": "-Xmx256m"}
        changes |= {"-Dcassandra.ring_delay_ms=0": "-Dcassandra.ring_delay_ms=10000"}
        command = super().command()
        assert changes.keys() <= set(command)
        return [changes.get(word, word) for word in command]

    def ask(self, request, at_least, timeout=2.0):
        with socket.create_connection((self.host, self.port), timeout) as connection:
            connection.sendall(request)
            return connection.recv(4096)


class Second(First):
    name = "second"
    host, token = "127.0.0.2", 2**62


@pytest.fixture(scope="module")
def stack():
    with serving(First, Second) as stack:
        yield stack


@pytest.fixture
def settings(stack):
    url = SecretStr(f"cassandra://127.0.0.1,127.0.0.2:{stack.parts['cassandra'].port}/two_nodes")
    return stack.settings.model_copy(update={"cassandra_url": url, "replication_factor": 2})


@pytest.fixture
async def store(settings):
    """Connects a post store with a consistency level; closed in the end."""
    opened = []

    async def connect(consistency):
        opened.append(cassandra := Cassandra(settings.model_copy(update={"cassandra_consistency": consistency})))
        posts = Posts(cassandra)
        await cassandra.connect()
        return posts

    yield connect
    for cassandra in opened:
        await cassandra.close()


@pytest.fixture
async def cluster(stack, settings):
    """Both nodes, when each knows of the other, with the post store."""

    def together():
        with suppress(*ERRORS), open_cluster(settings) as driver:
            session = driver.connect()
            hosts = driver.metadata.all_hosts()
            seen = [len(session.execute("SELECT peer FROM system.peers_v2", host=host).all()) for host in hosts]
            return seen == [1, 1]

    await until(lambda: asyncio.to_thread(together), 60)
    await migrate(settings)
    return stack


def post():
    return Post(id=new_post_id(), author=1, content="Hello")


async def put(posts):
    try:
        await posts.put(post())
    except StoreUnavailable:
        return False
    return True


async def told_why(posts):
    try:
        await posts.put(post())
    except StoreUnavailable as exc:
        return "LOCAL_QUORUM needs 2 replicas, and 1 can be reached" in str(exc)
    return False


async def there(posts, post):
    try:
        return await posts.get_many([post.id]) == {post.id: post}
    except StoreUnavailable:
        return False


async def test_one_goes_on_without_a_node_and_a_quorum_says_that_it_cannot(cluster, store):
    quorum, one = await store("LOCAL_QUORUM"), await store("ONE")
    before = post()
    await until(lambda: put(quorum), 60)
    await quorum.put(before)

    cluster.kill("second")

    with pytest.raises(StoreUnavailable) as told:
        await quorum.put(post())
    assert "\n" not in str(told.value)
    # As soon as the living node has noticed, it says why.
    await until(lambda: told_why(quorum), 60)
    await until(lambda: put(one))
    # The living node may still send reads to the dead one, until it takes it for dead.
    await until(lambda: there(one, before), 60)

    await asyncio.to_thread(cluster.restart, "second")
    await until(lambda: put(quorum), 60)


async def test_a_node_that_is_frozen_is_overtaken_by_the_other(cluster, store):
    """In the same call: it does not wait for the time-out of the node that was asked first."""
    one = await store("ONE")
    before = post()
    await until(lambda: put(one), 60)
    await one.put(before)

    cluster.pause("second")
    try:
        written = [await put(one) for _ in range(12)]
        found = [await there(one, before) for _ in range(12)]
    finally:
        cluster.resume("second")
    assert written == found == [True] * 12


async def test_two_may_migrate_at_once_by_different_nodes(cluster, settings):
    """Tables that two nodes make at the same moment would be two tables, and the nodes would never agree."""
    keyspace = "by_two"
    port = settings.cassandra_url.get_secret_value().rpartition(":")[2].partition("/")[0]
    by = [
        settings.model_copy(update={"cassandra_url": SecretStr(f"cassandra://{host}:{port}/{keyspace}")})
        for host in ("127.0.0.1", "127.0.0.2")
    ]
    made = await asyncio.gather(*map(migrate, by))
    assert sorted(name for names in made for name in set(names))[:2] != []
    with open_cluster(by[0]) as driver:
        driver.connect()
        await until(lambda: asyncio.to_thread(driver.control_connection.wait_for_schema_agreement), 60)
    assert await migrate(by[1]) == []
