"""A Redis Cluster that changes: other addresses, slots that move. Its servers say what they are told to."""

import asyncio
from collections import defaultdict
from contextlib import AsyncExitStack

import hiredis
import pytest
from pydantic import SecretStr
from redis.crc import key_slot

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.live import LiveLogs
from microblog_streams.stores.redis.server import SlotMoving
from microblog_streams.stores.redis.timeline_keys import ClusterKeys
from tests.support.waiting import DEADLINE_SECONDS, PATIENT_SECONDS

INFO = "redis_version:7.2.4\r\nrun_id:a\r\nrole:master\r\nredis_mode:cluster\r\n"
#: What redis-py learns of the only command whose server it looks for by itself.
COMMANDS = "*1\r\n*6\r\n+publish\r\n:3\r\n*1\r\n+pubsub\r\n:0\r\n:0\r\n:0\r\n"
HOST = "127.0.0.1"


class Servers:
    """Each answers GET with its port. All say that the one at ``primary`` has every slot.

    FCALL is answered by what ``refusals`` has for the port.
    """

    def __init__(self):
        self.primary = 0
        self.refusals = {}
        self._subscribers = []
        self._stack = AsyncExitStack()
        self._open = defaultdict(list)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        for port in list(self._open):
            self.end(port)
        await self._stack.aclose()

    async def begin(self):
        """Start a server; return its port."""
        listener = await self._stack.enter_async_context(await asyncio.start_server(self._serve, HOST, 0))
        port = listener.sockets[0].getsockname()[1]
        self._open[port].append(listener)
        return port

    def end(self, port):
        """Stop a server, and close its connections."""
        for each in self._open.pop(port):
            each.close()

    async def _serve(self, reader, writer):
        port, requests = writer.get_extra_info("sockname")[1], hiredis.Reader()
        self._open[port].append(writer)
        while data := await reader.read(4096):
            requests.feed(data)
            while (request := requests.gets()) is not False:
                if request[0] == b"SUBSCRIBE":
                    self._subscribers.append(writer)
                if request[0] == b"PUBLISH":
                    self._tell(*request[1:])
                writer.write(self._answer(request[0], port).encode())
        writer.close()

    def _tell(self, channel, message):
        for writer in self._subscribers:
            writer.write(b"*3\r\n+message\r\n+%b\r\n+%b\r\n" % (channel, message))

    def _answer(self, command, port):
        if command == b"CLUSTER":
            return f"*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n+{HOST}\r\n:{self.primary}\r\n+id\r\n"
        if command == b"INFO":
            return f"${len(INFO)}\r\n{INFO}\r\n"
        if command == b"GET":
            return f"+{port}\r\n"
        if command == b"FCALL":
            return f"-{self.refusals[port]}\r\n" if port in self.refusals else "+OK\r\n"
        return {b"EVAL_RO": ":1\r\n", b"PUBLISH": ":1\r\n", b"CONFIG": "*0\r\n", b"COMMAND": COMMANDS}.get(
            command, "+OK\r\n"
        )


@pytest.fixture
async def servers():
    async with Servers() as servers:
        yield servers


async def name_of(redis):
    """Return the port of the server that has a key."""
    return int(await redis.run_on(b"name", lambda server: server.execute("GET", "name")))


@pytest.fixture
async def connect():
    """Connects to a cluster by the server on a port; what it returns is closed in the end."""
    async with AsyncExitStack() as stack:

        async def connect_to(port):
            redis = Redis(
                Settings(redis_url=SecretStr(f"redis+cluster://{HOST}:{port}"), store_timeout=PATIENT_SECONDS)
            )
            await redis.connect()
            stack.push_async_callback(redis.close)
            return redis

        yield connect_to


async def test_a_cluster_whose_servers_all_have_other_addresses_is_found_where_the_url_says(servers, connect):
    """As after a restart of all pods, whose name leads to the new ones."""
    named, old = await servers.begin(), await servers.begin()
    servers.primary = old
    redis = await connect(named)
    assert await name_of(redis) == old
    servers.end(old)
    servers.primary = await servers.begin()
    for _ in range(2):  # the first finds the connection closed, the second that no server is there
        with pytest.raises(StoreUnavailable):
            await name_of(redis)
    assert await name_of(redis) == servers.primary
    assert redis.servers == {f"{HOST}:{servers.primary}"}


async def test_a_timeline_cannot_be_followed_for_the_moment_while_its_slot_moves(servers, connect):
    """The function reads the leases of the bucket, which the other server has already."""
    servers.primary = await servers.begin()
    logs = LiveLogs(await connect(servers.primary))
    servers.refusals[servers.primary] = (
        "ERR Script attempted to access a non local key in a cluster node script: timeline_listen"
    )
    with pytest.raises(SlotMoving):
        await logs.listen([1])


async def test_a_log_that_may_lack_an_entry_is_told_when_the_slot_moves_to_a_server_without_slots_so_far(
    servers, connect
):
    """The new server ends the subscription, in whose place no signal comes until there is another one."""
    servers.primary, new = await servers.begin(), await servers.begin()
    redis, key = await connect(servers.primary), ClusterKeys().of(1)
    logs = LiveLogs(redis)
    servers.refusals[servers.primary] = f"ASK {key_slot(key)} {HOST}:{new}"
    with pytest.raises(StoreUnavailable, match="a server that was left"):
        async with logs.wakes() as messages:
            assert await redis.run_on(key, lambda server: server.execute("FCALL", "push", 1, key)) == b"OK"
            await anext(messages)

    async with asyncio.timeout(DEADLINE_SECONDS), logs.wakes() as messages:
        assert await anext(messages) == ()
