"""The relay carries every committed event to the log, in order for each key, whatever fails meanwhile."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from microblog_streams.logs.context import request_id
from microblog_streams.logs.repeats import LINES
from microblog_streams.services import outbox_relay as relay_module
from microblog_streams.services.outbox_relay import OutboxRelay
from tests.support.contracts.events import register
from tests.support.logged import logged
from tests.support.waiting import until

NOW = datetime(2026, 5, 17, tzinfo=UTC)


@pytest.fixture
def quick(monkeypatch):
    """Waits of milliseconds where a worker waits for seconds."""
    for name in ("POLL_SECONDS", "PING_SECONDS", "FIRST_PAUSE_SECONDS", "LONGEST_PAUSE_SECONDS"):
        monkeypatch.setattr(relay_module, name, 0.01)


@pytest.fixture
async def relay(quick, outbox, log, election):
    async with OutboxRelay(log, election.session) as relay:
        yield relay


@pytest.fixture
async def people(users):
    return await register(users, 12)


def by_key(events):
    chains = {}
    for event in events:
        chains.setdefault(event.key, []).append(event.value)
    return chains


async def follow_and_unfollow_all(follows, people, times=2):
    for _ in range(times):
        for following in (True, False):
            for other in people[1:]:
                await follows.set(people[0], other, following, NOW)


async def test_events_arrive_in_order_for_each_key_and_leave_the_outbox(relay, follows, people, outbox, log):
    await follow_and_unfollow_all(follows, people)
    committed = by_key(await outbox.head(1000))

    await until(lambda: not outbox.database.outbox)

    assert by_key(log.events) == committed
    assert log.events[0].headers == {"schema": "1"}


async def test_an_event_committed_later_wakes_the_relay(outbox, log, election, follows, people, monkeypatch):
    monkeypatch.setattr(relay_module, "POLL_SECONDS", 600)
    async with OutboxRelay(log, election.session) as relay:
        await until(lambda: relay.leading)

        await follows.set(people[0], people[1], True, NOW)

        await until(lambda: log.events)


async def test_while_the_log_is_away_nothing_is_lost_and_nothing_overtakes(relay, follows, people, outbox, log):
    log.away = True
    await follow_and_unfollow_all(follows, people)
    committed = by_key(await outbox.head(1000))
    await until(lambda: log.begun > 100)
    assert log.events == []

    log.away = False
    await until(lambda: not outbox.database.outbox)

    assert by_key(log.events) == committed


async def test_an_event_that_fails_keeps_those_behind_it_and_no_other_key(outbox, election, quick, follows, people):
    class Stumbling:
        def __init__(self, bad):
            self.bad, self.events = bad, []

        async def publish(self, topic, key, value, headers=None, generation=None):
            if key == self.bad:
                raise ValueError("cannot be sent")
            self.events.append(key)

    bad = people[1].to_bytes(8, "big")
    log = Stumbling(bad)
    await follow_and_unfollow_all(follows, people, times=1)
    async with OutboxRelay(log, election.session):
        await until(lambda: len(outbox.database.outbox) == 2)

        assert {record.key for record in outbox.database.outbox.values()} == {bad}
        assert len(log.events) == 20

        log.bad = b""
        await until(lambda: not outbox.database.outbox)


async def test_while_the_topics_move_each_event_goes_to_both_generations_to_the_old_one_first(
    quick, outbox, log, election, follows, people, database
):
    database.generations = (1, 2)
    await follow_and_unfollow_all(follows, people)
    committed = by_key(await outbox.head(1000))

    async with OutboxRelay(log, election.session):
        await until(lambda: not database.outbox)

    for key, values in committed.items():
        sent = [(event.value, event.generation) for event in log.events if event.key == key]
        assert sent == [(value, generation) for value in values for generation in (1, 2)]


async def test_events_that_may_go_nowhere_yet_wait_in_their_order(relay, outbox, log, follows, people, database):
    database.generations = ()
    await follow_and_unfollow_all(follows, people)
    committed = by_key(await outbox.head(1000))
    looks = outbox.looks
    await until(lambda: outbox.looks > looks + 2)
    assert log.begun == 0

    database.generations = (2,)
    await until(lambda: not database.outbox)

    assert by_key(log.events) == committed
    assert {event.generation for event in log.events} == {2}


async def test_while_the_database_is_away_the_relay_waits(relay, follows, people, outbox, log, database):
    await until(lambda: relay.leading)
    database.away = True
    await until(lambda: not relay.leading)

    database.away = False
    await follows.set(people[0], people[1], True, NOW)

    await until(lambda: log.events)


async def test_trouble_is_told_and_not_over_and_over(relay, follows, people, log):
    log.away = True
    with logged("microblog_streams.services", folded=True) as lines:
        await follows.set(people[0], people[1], True, NOW)
        await until(lambda: log.begun > 20)

    reason = "BrokerUnavailable: kafka is unavailable: away"
    assert [line["reason"] for line in lines.lines() if line["event"] == "relay_waits"] == [reason] * LINES


async def test_a_published_event_is_logged_with_the_request_that_it_comes_from(relay, follows, people, outbox):
    with logged("microblog_streams.services", "DEBUG") as lines:
        token = request_id.set("8e03978e")
        await follows.set(people[0], people[1], True, NOW)
        request_id.reset(token)
        await until(lambda: not outbox.database.outbox)

    found = [line["request_id"] for line in lines.lines() if line["event"] == "event_published"]
    assert found == ["8e03978e"]


async def test_one_of_two_relays_leads_and_the_other_takes_over(quick, outbox, log, election, follows, people):
    async with OutboxRelay(log, election.session) as one, OutboxRelay(log, election.session) as two:
        await until(lambda: one.leading or two.leading)
        assert one.leading != two.leading
        leader, other = (one, two) if one.leading else (two, one)

        await leader.stop()
        await until(lambda: other.leading)
        await follow_and_unfollow_all(follows, people)

        await until(lambda: not outbox.database.outbox)
        assert not leader.leading


async def test_a_leader_whose_session_ends_stops_publishing(relay, outbox, log, election, follows, people):
    await until(lambda: relay.leading)
    log.open.clear()
    await follow_and_unfollow_all(follows, people)
    await until(lambda: log.begun == 11)
    first = election.leader

    election.depose()
    await until(lambda: election.leader not in (None, first))
    log.open.set()
    await until(lambda: not outbox.database.outbox)

    assert len(log.events) == 44


async def test_a_leader_whose_last_ping_is_too_old_publishes_nothing(
    quick, outbox, log, election, follows, people, monkeypatch
):
    monkeypatch.setattr(relay_module, "LEASE_SECONDS", 0.0)
    await follows.set(people[0], people[1], True, NOW)

    async with OutboxRelay(log, election.session):
        await until(lambda: election.sessions > 3)

    assert log.begun == 0


async def test_a_stop_lets_the_batch_in_flight_end(quick, outbox, log, election, follows, people):
    relay = OutboxRelay(log, election.session)
    await relay.start()
    log.open.clear()
    await follow_and_unfollow_all(follows, people, times=1)
    await until(lambda: log.begun == 11)

    stopping = asyncio.create_task(relay.stop())
    await asyncio.sleep(0)
    log.open.set()
    await stopping

    assert len(log.events) == 22
    assert outbox.database.outbox == {}
    assert election.leader is None


async def test_a_relay_that_never_started_stops_at_once(outbox, log, election):
    await OutboxRelay(log, election.session).stop()


async def test_a_record_is_removed_by_the_session_that_read_it_and_by_no_other(
    quick, outbox, log, election, follows, people, monkeypatch
):
    """A standby was promoted without its last commits while records were published: their ids are others' there."""
    monkeypatch.setattr(relay_module, "PING_SECONDS", 600)
    await follows.set(people[0], people[1], True, NOW)
    log.open.clear()
    async with OutboxRelay(log, election.session):
        await until(lambda: log.begun == 1)
        (ident,) = outbox.database.outbox
        await follows.set(people[2], people[3], True, NOW)
        reissued = outbox.database.outbox.pop(max(outbox.database.outbox))
        outbox.database.outbox[ident] = replace(reissued, id=ident)
        election.depose()

        log.open.set()

        await until(lambda: len(log.events) > 1)
        assert {event.key for event in log.events} == {people[1].to_bytes(8, "big"), reissued.key}


async def test_a_term_ends_though_a_ping_lost_its_cancellation(log, election, quick, follows, people):
    """A ping that is answered as it is cancelled goes on. It kept the session, and with it the lead, for ever."""

    class Deaf(type(election.session())):
        lost_cancellation = False

        async def head(self, limit):
            return await self.election.outbox.head(limit)

        async def ping(self):
            if self.election.leader is self and not Deaf.lost_cancellation:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    Deaf.lost_cancellation = True
            await super().ping()

    async with OutboxRelay(log, lambda: Deaf(election)) as relay:
        await until(lambda: relay.leading)
        log.away = True
        await follows.set(people[0], people[1], True, NOW)
        await until(lambda: Deaf.lost_cancellation)
        log.away = False

        await until(lambda: log.events)
