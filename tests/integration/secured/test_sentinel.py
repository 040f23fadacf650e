"""Redis (here Valkey) with a replica, and a Sentinel that makes it the primary when the old one dies or is cut off."""

import asyncio
import random
from contextlib import contextmanager

import pytest
from pydantic import SecretStr

from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.stores.redis import live
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.live import LiveLogs
from microblog_streams.stores.redis.timelines import Timelines
from tests.support.servers.redis_pair import PASSWORD, SENTINEL_PASSWORD, Watcher, running_pair
from tests.support.waiting import DEADLINE_SECONDS, PATIENT_SECONDS, until

AUTHOR = 1
#: Calls at a time, each on a connection of its own.
CALLS = 8
#: Milliseconds within which the replica has what was written, on a busy machine too; less than a call's time-out.
COPIED_MS = 20_000


@pytest.fixture(scope="module")
def pair():
    with running_pair(Watcher) as pair:
        yield pair


@pytest.fixture
def stack(pair):
    return pair.stack


@pytest.fixture
async def connect(stack):
    """Connects by Sentinel; what it returns is closed in the end."""
    opened = []

    async def connect_to(place, password=SENTINEL_PASSWORD):
        url = f"redis+sentinel://:{PASSWORD}@{place}"
        changed = {"redis_url": SecretStr(url), "redis_sentinel_password": SecretStr(password)}
        patient = {"store_timeout": PATIENT_SECONDS}
        opened.append(store := Redis(stack.settings.model_copy(update={**changed, **patient})))
        await store.connect()
        return store

    yield connect_to
    for store in opened:
        await store.close()


@pytest.fixture
def reader():
    """A user without a timeline so far."""
    return random.getrandbits(50)


@pytest.fixture
def place(stack):
    """Two Sentinels, of which the first is away."""
    return f"127.0.0.1:1,127.0.0.1:{stack.parts['sentinel'].port}"


async def test_a_wrong_password_of_the_sentinels_is_reported_in_one_line(connect, stack):
    with pytest.raises(SetupError, match="refuses the login") as told:
        await connect(f"127.0.0.1:{stack.parts['sentinel'].port}/service/0", "wrong-secret")
    assert "\n" not in str(told.value)
    assert "wrong-secret" not in repr(told.value)


async def test_a_service_unknown_to_the_sentinels_is_retried_and_named(connect, stack):
    with pytest.raises(StoreUnavailable, match="no Sentinel knows a primary of another"):
        await connect(f"127.0.0.1:{stack.parts['sentinel'].port}/another")


async def test_a_url_without_a_service_is_reported_in_one_line(connect, place):
    with pytest.raises(SetupError, match="MICROBLOG_REDIS_URL: expected redis\\+sentinel://"):
        await connect(place)


async def test_a_primary_that_only_workers_reach_is_left_once_sentinel_names_another(connect, place, pair):
    store = await connect(f"{place}/service/0")
    timelines, old = Timelines(store), pair.primary
    new = pair.other(old)
    assert store.warnings == []
    run = await timelines.run_id()
    assert await ports(store) == {old.port}

    with old.cut_off():
        await until(new.is_primary)
        assert old.is_primary()
        await until(lambda: is_another(timelines, run), 20)
        assert await ports(store) == {new.port}
    await is_followed(new, pair)
    await until(lambda: is_another(timelines, run), 20)


async def test_a_followed_timeline_leaves_a_primary_that_is_cut_off(connect, place, pair, reader, monkeypatch):
    """The old primary answers its subscribers on, and tells them of nothing."""
    monkeypatch.setattr(live, "SILENCE_SECONDS", 0.2)
    store = await connect(f"{place}/service/0")
    logs, timelines, old = LiveLogs(store), Timelines(store), pair.primary
    await timelines.create(reader)
    [position] = await logs.listen([reader])
    run = await timelines.run_id()
    assert await store.client.wait(1, COPIED_MS) == 1

    with writing_alone(pair), old.cut_off():
        with pytest.raises(StoreUnavailable, match="a server that was left"):
            async with logs.wakes() as messages:
                await until(pair.other(old).is_primary)
                await until(lambda: is_another(timelines, run), 20)
                await asyncio.wait_for(anext(messages), DEADLINE_SECONDS)
        async with logs.wakes() as messages:
            assert await timelines.push([reader], entry := encode_entry(new_post_id(), AUTHOR)) == 1
            assert await asyncio.wait_for(anext(messages), DEADLINE_SECONDS) == [reader]
    assert [arrival.value for arrival in await logs.since(reader, position, 10)] == [entry]
    await is_followed(pair.other(old), pair)


async def test_a_log_that_was_copied_goes_on_at_the_replica(connect, place, pair, reader):
    old = pair.primary
    with writing_alone(pair):
        store = await connect(f"{place}/service/0")
        logs, timelines = LiveLogs(store), Timelines(store)
        await timelines.create(reader)
        [position] = await logs.listen([reader])
        entries = [encode_entry(new_post_id(), AUTHOR) for _ in range(2)]
        await timelines.push([reader], entries[0])
        assert await store.client.wait(1, COPIED_MS) == 1

        pair.stack.kill(old.name)
        await until(lambda: pushed(timelines, reader, entries[1]), 30)

        assert [arrival.value for arrival in await logs.since(reader, position, 10)] == entries
        pair.stack.restart(old.name)
    await is_followed(pair.other(old), pair)


async def pushed(timelines, reader, entry):
    try:
        return await timelines.push([reader], entry)
    except StoreUnavailable:
        return False


async def test_a_primary_that_may_write_without_replicas_gives_a_warning(connect, place, pair):
    with writing_alone(pair):
        store = await connect(f"{place}/service/0")
        assert store.warnings == ["redis: min-replicas-to-write is 0, not 1 or more"]


async def test_writes_go_on_at_the_replica_when_the_primary_dies(connect, place, pair):
    old = pair.primary
    new = pair.other(old)
    with writing_alone(pair):
        store = await connect(f"{place}/service/0")
        await store.client.set("kept", b"before")
        assert await store.client.wait(1, COPIED_MS) == 1

        pair.stack.kill(old.name)

        async def writes():
            try:
                async with store.translated() as client:
                    return await client.set("new", b"after")
            except StoreUnavailable:
                return False

        await until(writes, 30)
        assert await store.client.get("kept") == b"before"
        assert await ports(store) == {new.port}
        pair.stack.restart(old.name)


@contextmanager
def writing_alone(pair):
    """Have both servers take writes without a replica, within the block."""
    for server in (pair.one, pair.two):
        server.tell("CONFIG", "SET", "min-replicas-to-write", 0)
    try:
        yield
    finally:
        for server in (pair.one, pair.two):
            server.tell("CONFIG", "SET", "min-replicas-to-write", 1)


async def is_followed(server, pair):
    """Wait until a server has a replica that is up to date; where none comes, say what the Sentinel did."""
    try:
        await until(server.is_followed)
    except AssertionError as late:
        raise AssertionError(f"{server.name} has no replica. {pair.stack.parts['sentinel'].last_words()}") from late


async def is_another(timelines, run):
    try:
        return await timelines.run_id() != run
    except StoreUnavailable:
        return False


async def ports(redis):
    """Return the ports of the servers that so many connections of the pool lead to."""

    async def port():
        async with redis.translated() as client:
            return (await client.info("server"))["tcp_port"]

    return set(await asyncio.gather(*(port() for _ in range(CALLS))))
