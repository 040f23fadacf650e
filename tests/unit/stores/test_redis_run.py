"""A cluster's run is that of all its primaries, and is not known while one is none any more or sees no other."""

from types import SimpleNamespace

import pytest
from redis.exceptions import ClusterDownError, ReadOnlyError

from microblog_streams.stores.redis_run import run_of
from microblog_streams.stores.redis_server import Server


def primary(run_id, role="master", state="ok"):
    async def execute(*command):
        return {"cluster_state": state} if command == ("CLUSTER INFO",) else {"run_id": run_id, "role": role}

    return Server(run_id, execute, None)


def redis(*servers, clustered=True):
    async def ask_all(question):
        return [await question(server) for server in servers]

    return SimpleNamespace(clustered=clustered, ask_all=ask_all)


async def test_one_servers_run_is_its_own():
    assert await run_of(redis(primary("a", role="slave"), clustered=False)) == "a"


async def test_primaries_run_the_same_in_whatever_order_they_are_found():
    assert await run_of(redis(primary("a"), primary("b"))) == await run_of(redis(primary("b"), primary("a")))


async def test_another_primary_is_another_run():
    assert await run_of(redis(primary("a"), primary("b"))) != await run_of(redis(primary("a"), primary("c")))


async def test_a_primary_that_became_a_replica_tells_nothing():
    with pytest.raises(ReadOnlyError):
        await run_of(redis(primary("a"), primary("b", role="slave")))


async def test_a_primary_that_is_cut_off_tells_nothing():
    with pytest.raises(ClusterDownError):
        await run_of(redis(primary("a"), primary("b", state="fail")))
