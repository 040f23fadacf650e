"""The relay on PostgreSQL: one leads, by a lock that dies with its session, also with a frozen one."""

import asyncio
from datetime import UTC, datetime

import pytest

from microblog_streams.services import outbox_relay
from microblog_streams.services.outbox_relay import OutboxRelay
from microblog_streams.stores.postgres import outbox as outbox_module
from microblog_streams.stores.postgres.outbox import OutboxSession
from tests.support.contracts.events import register, waiting
from tests.support.waiting import DEADLINE_SECONDS, until

NOW = datetime(2026, 5, 17, tzinfo=UTC)
LEADER = """
SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database
 WHERE locktype = 'advisory' AND granted AND datname = current_database()
"""


@pytest.fixture
async def relays(postgres, outbox, log, monkeypatch):
    """Two that lose the lead with their session alone, and not where the machine lets them wait for some seconds."""
    monkeypatch.setattr(outbox_relay, "LEASE_SECONDS", 600.0)
    monkeypatch.setattr(outbox_module, "SILENCE_SECONDS", 600.0)
    relays = [OutboxRelay(log, lambda: OutboxSession(postgres)) for _ in range(2)]
    for relay in relays:
        await relay.start()
    yield relays
    for relay in relays:
        await relay.stop()


@pytest.fixture
async def people(users):
    return await register(users, 20)


def values(events):
    chains = {}
    for event in events:
        chains.setdefault(event.key, []).append(event.value)
    return chains


def without_repeats(chain):
    return list(dict.fromkeys(chain))


async def is_empty(outbox):
    return not await waiting(outbox)


async def test_what_is_committed_is_published_in_order(relays, follows, people, outbox, log):
    for following in (True, False, True):
        for other in people[1:]:
            await follows.set(people[0], other, following, NOW)

    await until(lambda: len(log.events) == 57)

    chains = [[value.partition(b'"version":')[2][:1] for value in chain] for chain in values(log.events).values()]
    assert chains == [[b"1", b"2", b"3"]] * 19
    await until(lambda: is_empty(outbox))


async def test_one_session_leads_and_another_takes_over_when_its_backend_ends(relays, follows, people, log, outsider):
    await until(lambda: any(relay.leading for relay in relays))
    assert sum(relay.leading for relay in relays) == 1
    first = outsider(LEADER)

    for turn, following in enumerate((True, False, True, False)):
        for other in people[1:]:
            await follows.set(people[0], other, following, NOW)
        if turn % 2 == 0:
            outsider(f"SELECT pg_terminate_backend(pid) FROM ({LEADER}) AS leader")

    await until(lambda: len({event.value for event in log.events}) == 4 * 19)
    for chain in values(log.events).values():
        versions = [int(value.partition(b'"version":')[2][:1]) for value in without_repeats(chain)]
        assert versions == [1, 2, 3, 4]
    await until(lambda: outsider(LEADER) not in ([], first))


async def test_a_stop_releases_leadership_at_once(relays, outsider):
    await until(lambda: any(relay.leading for relay in relays))
    leader, other = sorted(relays, key=lambda relay: not relay.leading)

    await leader.stop()

    await until(lambda: other.leading)
    assert len(outsider(LEADER)) == 1


async def test_a_silent_session_loses_leadership(postgres, monkeypatch):
    frozen, next_one = OutboxSession(postgres), OutboxSession(postgres)
    await frozen.open()
    monkeypatch.setattr(outbox_module, "SILENCE_SECONDS", 600.0)  # the other one waits, however slow the machine is
    await next_one.open()
    assert await frozen.elect()
    assert not await next_one.elect()

    # It asks, and so shows that it is alive, while the other one says nothing.
    await until(next_one.elect)

    await next_one.close()
    await frozen.close()


async def test_a_commit_wakes_the_leader(postgres, follows, people):
    session = OutboxSession(postgres)
    await session.open()
    assert await session.elect()

    await follows.set(people[0], people[1], True, NOW)

    async with asyncio.timeout(DEADLINE_SECONDS):
        await session.woken()
    await session.close()
