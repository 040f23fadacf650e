"""A run is known of primaries alone, and another one wherever what was written last may be lost."""

from contextlib import asynccontextmanager

import pytest
from redis.exceptions import ClusterDownError, ReadOnlyError, RedisError

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.redis import run_monitor
from microblog_streams.stores.redis.run_monitor import REVIEW_SECONDS, RunMonitor
from microblog_streams.stores.redis.server import Server

HOLD = 2.5


class Primary:
    """A server that answers INFO as it is told to."""

    def __init__(self, name, **info):
        self.name = name
        self.state = "ok"
        self.info = {"run_id": name, "role": "master", "master_replid": "r1", "master_repl_offset": 0, **info}

    async def execute(self, *command):
        return {"cluster_state": self.state} if command == ("CLUSTER INFO",) else self.info

    def replicate(self, offset, *copied):
        """Have written so far, and have replicas that are so far."""
        replicas = {f"slave{number}": {"state": "online", "offset": at} for number, at in enumerate(copied)}
        self.info |= {"master_repl_offset": offset, "min_slaves_good_slaves": len(copied), **replicas}


class FakeRedis:
    """Asks servers, as Redis does."""

    name = "redis"
    hold = HOLD

    def __init__(self, *servers, clustered=False):
        self.servers, self.clustered = servers, clustered
        self.copies, self.changes, self.reviews = 0, 0, 0
        self.trouble = None

    async def run_on_current(self, question):
        try:
            return [await question(Server(each.name, each.execute, None)) for each in self.servers]
        except RedisError as error:
            raise StoreUnavailable(self.name, error) from error

    async def review(self):
        self.reviews += 1


class Clock:
    """Time that passes when it is told to."""

    time = 1_000.0

    def __call__(self):
        return self.time


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(run_monitor, "monotonic", clock)
    return clock


@asynccontextmanager
async def another(looks):
    """Fail unless the run after the block is another one than before it."""
    before = await looks.run()
    yield
    assert await looks.run() != before


async def test_the_run_stays_the_same_while_nothing_happens():
    looks = RunMonitor(FakeRedis(Primary("a")))
    assert await looks.run() == await looks.run()


async def test_another_start_of_the_server_is_another_run():
    server = Primary("a")
    async with another(RunMonitor(FakeRedis(server))):
        server.info["run_id"] = "b"


async def test_a_server_that_was_a_replica_since_is_another_run_though_it_never_stopped():
    server = Primary("a")
    async with another(RunMonitor(FakeRedis(server))):
        server.info["master_replid"] = "r2"


async def test_a_look_that_finds_the_same_run_after_a_connection_found_another_is_another_run():
    redis = FakeRedis(Primary("a"))
    async with another(RunMonitor(redis)):
        redis.changes += 2


@pytest.mark.parametrize("clustered", [False, True])
async def test_a_server_that_is_no_primary_proves_nothing(clustered):
    redis = FakeRedis(Primary("a"), Primary("b", role="slave"), clustered=clustered)
    with pytest.raises(StoreUnavailable, match="not a primary") as told:
        await RunMonitor(redis).run()
    assert isinstance(told.value.__cause__, ReadOnlyError)
    assert redis.trouble is told.value


async def test_primaries_run_the_same_in_whatever_order_they_are_found():
    a, b = Primary("a"), Primary("b")
    redis = FakeRedis(a, b, clustered=True)
    looks = RunMonitor(redis)
    run = await looks.run()
    redis.servers = b, a
    assert await looks.run() == run


async def test_another_primary_of_a_cluster_is_another_run():
    redis = FakeRedis(Primary("a"), Primary("b"), clustered=True)
    async with another(RunMonitor(redis)):
        redis.servers = redis.servers[0], Primary("c")


async def test_a_primary_of_a_cluster_that_is_cut_off_proves_nothing():
    cut_off = Primary("b")
    cut_off.state = "fail"
    with pytest.raises(StoreUnavailable, match="does not see the others") as told:
        await RunMonitor(FakeRedis(Primary("a"), cut_off, clustered=True)).run()
    assert isinstance(told.value.__cause__, ClusterDownError)


async def test_what_was_written_a_hold_ago_must_be_on_as_many_replicas_as_the_primary_wants(clock):
    server = Primary("a")
    redis = FakeRedis(server)
    redis.copies, looks = 1, RunMonitor(redis)
    server.replicate(100, 90, 10)
    run = await looks.run()  # nothing was written in this run before
    clock.time += 1
    server.replicate(200, 100, 10)
    assert await looks.run() == run
    clock.time += HOLD - 1
    assert await looks.run() == run
    clock.time += 0.5
    with pytest.raises(StoreUnavailable, match=r"written 2\.5 s ago is not on 1 of its replicas") as told:
        await looks.run()
    assert redis.trouble is told.value

    server.replicate(300, 200, 10)
    assert await looks.run() == run
    assert redis.trouble is None


async def test_every_primary_of_a_cluster_is_compared_with_its_own_replicas(clock):
    behind, level = Primary("a"), Primary("b")
    redis = FakeRedis(behind, level, clustered=True)
    redis.copies, looks = 1, RunMonitor(redis)
    for server in redis.servers:
        server.replicate(100, 99)
    await looks.run()
    clock.time += HOLD
    level.replicate(100, 100)
    with pytest.raises(StoreUnavailable, match="is not on 1 of its replicas"):
        await looks.run()


async def test_a_primary_that_wants_no_replicas_is_believed_without(clock):
    redis = FakeRedis(Primary("a", master_repl_offset=100))
    redis.copies, looks = 1, RunMonitor(redis)
    run = await looks.run()
    clock.time += 10 * HOLD
    assert await looks.run() == run


async def test_a_replica_that_is_still_copying_counts_for_nothing(clock):
    server = Primary("a")
    redis = FakeRedis(server)
    redis.copies, looks = 1, RunMonitor(redis)
    server.replicate(100, 100)
    await looks.run()
    clock.time += HOLD
    server.info["slave0"]["state"] = "send_bulk"
    with pytest.raises(StoreUnavailable):
        await looks.run()


async def test_settings_are_read_again_of_another_run_after_trouble_and_now_and_again(clock):
    server = Primary("a")
    redis = FakeRedis(server)
    looks = RunMonitor(redis)
    for _ in range(3):
        await looks.run()
    assert redis.reviews == 1

    server.info["run_id"] = "b"
    await looks.run()
    assert redis.reviews == 2

    server.info["role"] = "slave"
    with pytest.raises(StoreUnavailable):
        await looks.run()
    server.info["role"] = "master"
    await looks.run()
    assert redis.reviews == 3

    clock.time += REVIEW_SECONDS + 1
    await looks.run()
    assert redis.reviews == 4
