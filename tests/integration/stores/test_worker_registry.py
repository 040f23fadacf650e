"""The registry of workers, on a real server."""

import time
from secrets import token_hex

import pytest

from microblog_streams.stores.redis.worker_registry import NAMES, Worker, WorkerRegistry


def worker(name):
    return Worker(name, "http://127.0.0.1:6066", "both", (1, 2))


async def test_announced_workers_are_listed_until_they_withdraw_or_fall_silent(redis, eventually):
    registry = WorkerRegistry(redis)
    here, silent = f"a{token_hex(4)}", f"b{token_hex(4)}"
    await registry.announce(worker(here), ttl=30)
    await registry.announce(worker(silent), ttl=0.05)

    async def only_here():
        assert [found for found in await registry.workers() if found.name in (here, silent)] == [worker(here)]

    await eventually(only_here, AssertionError)
    await registry.withdraw(here)
    assert here not in {found.name for found in await registry.workers()}


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_worker_with_a_wrong_clock_removes_no_worker(redis, monkeypatch, hours):
    registry, right, wrong = WorkerRegistry(redis), f"d{token_hex(4)}", f"e{token_hex(4)}"
    await registry.announce(worker(right), ttl=30)
    now = time.time
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: now() + hours * 3_600)
        await registry.announce(worker(wrong), ttl=30)
    assert {right, wrong} <= {found.name for found in await registry.workers()}
    await registry.announce(worker(right), ttl=30)
    assert {right, wrong} <= {found.name for found in await registry.workers()}
    for name in (right, wrong):
        await registry.withdraw(name)


async def test_data_of_another_release_is_skipped(redis):
    registry, name = WorkerRegistry(redis), f"c{token_hex(4)}"
    async with redis.translated() as client:
        await client.set(f"worker:{name}", b'{"name": 1}', ex=30)
        await client.zadd(NAMES, {name: 10**12})
    assert name not in {found.name for found in await registry.workers()}
    await registry.withdraw(name)
