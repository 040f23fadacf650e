"""Redis (here Valkey) with a replica, and a Sentinel that makes it the primary when the old one dies."""

from textwrap import dedent

import pytest
import redis
from pydantic import SecretStr

from microblog_streams.errors import SetupError, StoreUnavailable
from microblog_streams.local.files import write_atomic
from microblog_streams.local.reaper import wait_until
from microblog_streams.local.valkey import Valkey
from microblog_streams.stores.redis import Redis
from tests.servers.alone import serving
from tests.waiting import until


class Primary(Valkey):
    def _password(self):
        return "secret-of-redis"


class Replica(Primary):
    name = "replica"
    port_names = ("replica",)

    def prepare(self, children):
        super().prepare(children)
        config = self.home / "valkey.conf"
        copied = f"replicaof 127.0.0.1 {self.place.ports['redis']}\nmasterauth {self._password()}\n"
        write_atomic(config, config.read_text() + copied + "repl-diskless-sync-delay 0\n")


class Watcher(Primary):
    """The Sentinel, which wants a password of its own."""

    name = "sentinel"
    port_names = ("sentinel",)

    def prepare(self, children):
        # It looks for replicas when it starts, and then every ten seconds.
        assert wait_until(self._copied, 30)
        self.home.mkdir(parents=True, exist_ok=True)
        config = f"""\
            bind 127.0.0.1
            port {self.port}
            dir "{self.home}"
            requirepass {self._password()}
            sentinel monitor service 127.0.0.1 {self.place.ports["redis"]} 1
            sentinel auth-pass service {super()._password()}
            sentinel down-after-milliseconds service 500
            sentinel failover-timeout service 3000
            """
        write_atomic(self.home / "valkey.conf", dedent(config))

    def command(self):
        return [*super().command(), "--sentinel"]

    def _copied(self):
        try:
            with redis.Redis(port=self.place.ports["redis"], password=super()._password()) as primary:
                return primary.info("replication").get("slave0", {}).get("state") == "online"
        except redis.RedisError:
            return False

    def _password(self):
        return "secret-of-sentinel"


@pytest.fixture(scope="module")
def stack():
    with serving(Primary, Replica, Watcher) as stack:
        yield stack


@pytest.fixture
async def connect(stack):
    """Connects by Sentinel; what it returns is closed in the end."""
    opened = []

    async def connect_to(place, password="secret-of-sentinel"):
        url = f"redis+sentinel://:secret-of-redis@{place}"
        changed = {"redis_url": SecretStr(url), "redis_sentinel_password": SecretStr(password)}
        opened.append(store := Redis(stack.settings.model_copy(update=changed)))
        await store.connect()
        return store

    yield connect_to
    for store in opened:
        await store.close()


@pytest.fixture
def place(stack):
    """Two Sentinels, of which the first is away."""
    return f"127.0.0.1:1,127.0.0.1:{stack.parts['sentinel'].port}"


async def test_a_wrong_password_of_the_sentinels_is_one_line(connect, stack):
    with pytest.raises(SetupError, match="refuses the login") as told:
        await connect(f"127.0.0.1:{stack.parts['sentinel'].port}/service/0", "wrong-secret")
    assert "\n" not in str(told.value)
    assert "wrong-secret" not in repr(told.value)


async def test_a_service_that_no_sentinel_knows_is_waited_for_and_named(connect, stack):
    with pytest.raises(StoreUnavailable, match="no Sentinel knows a primary of another"):
        await connect(f"127.0.0.1:{stack.parts['sentinel'].port}/another")


async def test_a_url_without_a_service_is_one_line(connect, place):
    with pytest.raises(SetupError, match="MICROBLOG_REDIS_URL: expected redis\\+sentinel://"):
        await connect(place)


async def test_writes_go_on_at_the_replica_when_the_primary_dies(connect, place, stack):
    store = await connect(f"{place}/service/0")
    assert store.warnings == []
    await store.client.set("kept", b"before")
    assert await store.client.wait(1, 1_000) == 1

    stack.kill("valkey")

    async def writes():
        try:
            async with store.translated() as client:
                return await client.set("new", b"after")
        except StoreUnavailable:
            return False

    await until(writes, 30)
    assert await store.client.get("kept") == b"before"
    assert (await store.client.info("server"))["tcp_port"] == stack.parts["replica"].port
