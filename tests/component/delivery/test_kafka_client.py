"""What aiokafka makes of a broker that went away, and of one that does not have the group's offsets."""

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from types import SimpleNamespace

import pytest
import uvloop
from aiokafka import TopicPartition, conn
from aiokafka.consumer import consumer
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import CommitFailedError, GroupAuthorizationFailedError, KafkaConnectionError, KafkaError
from aiokafka.protocol.commit import OffsetFetchResponse_v1, OffsetFetchResponse_v3
from aiokafka.protocol.metadata import MetadataRequest

from microblog_streams.delivery.faust_patches import kafka_client
from tests.support.waiting import DEADLINE_SECONDS, until

PLACE = TopicPartition("events", 3)
LOADING, NOT_AVAILABLE, NOT_COORDINATOR, FORBIDDEN = 14, 15, 16, 30


@pytest.fixture
def mended(monkeypatch):
    """Aiokafka with the mend, without the exchange of versions."""
    monkeypatch.setattr(conn, "AIOKafkaConnection", conn.AIOKafkaConnection)
    monkeypatch.setattr(consumer, "GroupCoordinator", GroupCoordinator)
    kafka_client.patch_clients()
    monkeypatch.setattr(conn.AIOKafkaConnection, "_do_version_lookup", lambda self: asyncio.sleep(0))


async def closed_writer(port):
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await writer.wait_closed()
    return writer


async def ask_on_closed_transport(told):
    """Connect as aiokafka's clients do; ask after the transport was closed and before the reader has noticed."""
    async with await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        made = await conn.create_conn("127.0.0.1", port, on_close=lambda closed, reason: told.append(reason))
        made._versions = {MetadataRequest.API_KEY: (0, 1)}
        open_writer, made._writer = made._writer, await closed_writer(port)
        assert made.connected()
        try:
            await made.send(MetadataRequest([]))
        finally:
            open_writer.close()
            await open_writer.wait_closed()


def test_a_closed_transport_breaks_the_connection_and_fails_its_client(mended):
    told = []
    with pytest.raises(KafkaConnectionError, match="broken"):
        uvloop.run(ask_on_closed_transport(told))
    assert told == [conn.CloseReason.CONNECTION_BROKEN]


def whole(code):
    """Return what a broker answers that cannot tell a group's offsets: an error, and no partition."""
    return OffsetFetchResponse_v3(0, [], code)


def single(offset):
    return OffsetFetchResponse_v3(0, [(PLACE.topic, [(PLACE.partition, offset, "", 0)])], 0)


@pytest.fixture
def committed():
    """Asks for the committed offsets of a partition; the coordinator gives these answers, in order."""

    async def ask(kind, *answers):
        coordinator = kind.__new__(kind)
        coordinator.group_id, coordinator._retry_backoff_ms = "group", 0
        coordinator.searches, left = 0, list(answers)

        async def search():
            coordinator.searches += coordinator.coordinator_id is None
            coordinator.coordinator_id = 1

        coordinator.coordinator_id = 1
        coordinator._coordinator_dead_fut = asyncio.get_running_loop().create_future()
        coordinator.ensure_coordinator_known = search
        coordinator._client = SimpleNamespace(send=lambda *args, **options: asyncio.sleep(0, left.pop(0)))
        found = await coordinator.fetch_committed_offsets([PLACE])
        return {place: told.offset for place, told in found.items()}, coordinator.searches

    return ask


@pytest.mark.parametrize(("code", "searches"), [(LOADING, 0), (NOT_AVAILABLE, 1), (NOT_COORDINATOR, 1)])
async def test_a_coordinator_without_the_offsets_is_asked_again(mended, committed, code, searches):
    assert await committed(consumer.GroupCoordinator, whole(code), single(90)) == ({PLACE: 90}, searches)


async def test_a_group_that_may_not_be_seen_is_an_error_and_not_a_new_group(mended, committed):
    with pytest.raises(GroupAuthorizationFailedError):
        await committed(consumer.GroupCoordinator, whole(FORBIDDEN))


async def test_a_partition_without_a_committed_offset_has_none(mended, committed):
    assert await committed(consumer.GroupCoordinator, single(-1)) == ({}, 0)
    older = OffsetFetchResponse_v1([(PLACE.topic, [(PLACE.partition, -1, "", 0)])])
    assert await committed(consumer.GroupCoordinator, older) == ({}, 0)


async def test_aiokafka_s_own_coordinator_takes_the_group_for_a_new_one(committed):
    """The defect of which the tests before are the mend: where this fails, the mend may go."""
    assert await committed(GroupCoordinator, whole(LOADING), single(90)) == ({}, 0)


class TestLateCommits:
    """A commit is repeated while the coordinator is away, and the group may have gone on without it meanwhile."""

    @pytest.fixture
    def commit(self):
        """Commits for an assignment by a coordinator of this kind; returns what was sent."""

        async def late(kind, generation=7, active=True, by_group=True):
            coordinator = kind.__new__(kind)
            coordinator.group_id, coordinator.coordinator_id, coordinator.member_id = "group", 1, "member"
            coordinator.generation, coordinator._commit_lock = generation, asyncio.Lock()
            coordinator._subscription = SimpleNamespace(partitions_auto_assigned=lambda: by_group)
            coordinator.ensure_coordinator_known = lambda: asyncio.sleep(0)
            sent = []
            answer = SimpleNamespace(topics=[(PLACE.topic, [(PLACE.partition, 0)])])
            coordinator._client = SimpleNamespace(
                send=lambda node, request, **options: asyncio.sleep(0, sent.append(request) or answer)
            )
            offsets = {PLACE: SimpleNamespace(offset=50, metadata="")}
            await coordinator.commit_offsets(SimpleNamespace(active=active), offsets)
            return len(sent)

        return late

    @pytest.mark.parametrize("changed", [{"active": False}, {"generation": -1}])
    async def test_one_of_an_assignment_that_has_ended_or_of_no_member_is_refused(self, mended, commit, changed):
        with pytest.raises(CommitFailedError, match="already rebalanced"):
            await commit(consumer.GroupCoordinator, **changed)

    async def test_one_of_the_present_assignment_is_sent(self, mended, commit):
        assert await commit(consumer.GroupCoordinator) == 1

    async def test_one_of_a_consumer_without_a_group_s_assignment_is_sent(self, mended, commit):
        assert await commit(consumer.GroupCoordinator, generation=-1, by_group=False) == 1

    @pytest.mark.parametrize("changed", [{"active": False}, {"generation": -1}])
    async def test_aiokafka_s_own_coordinator_sends_it(self, commit, changed):
        """The defect of which the tests before are the mend: where this fails, the mend may go."""
        assert await commit(GroupCoordinator, **changed) == 1


class TestIdleMembers:
    """A consumer reads nothing between the end of an assignment and the next, however long Kafka is away."""

    @pytest.fixture
    def join(self):
        """Tries three times to join with a coordinator of this kind, after so many seconds without a read.

        Returns how often partitions were given back, and how often it joined.
        """

        async def tries(kind, idle, longest=1_000.0):
            coordinator = kind.__new__(kind)
            coordinator._subscription = subscription = SubscriptionState()
            subscription.subscribe({PLACE.topic})
            coordinator._retry_backoff_ms, coordinator._max_poll_interval = 0, longest
            coordinator._performed_join_prepare, coordinator._heartbeat_task = False, None
            steps = []
            coordinator._on_join_prepare = lambda assignment: asyncio.sleep(0, steps.append("given back"))
            coordinator._do_rejoin_group = lambda subscription: asyncio.sleep(0, steps.append("joined") or False)
            subscription._last_fetch_ended -= idle
            for _ in range(3):
                await coordinator.ensure_active_group(subscription.subscription, object())
            return steps.count("given back"), steps.count("joined")

        return tries

    async def test_one_that_gave_its_partitions_back_joins(self, mended, join):
        assert await join(consumer.GroupCoordinator, 2_000) == (1, 2)

    async def test_one_that_has_just_read_joins_at_once(self, mended, join):
        assert await join(consumer.GroupCoordinator, 0) == (1, 3)

    async def test_one_that_ends_does_not_join(self, mended, join):
        assert await join(consumer.GroupCoordinator, 0, longest=0.0) == (1, 0)

    async def test_aiokafka_s_own_never_does(self, join):
        """The defect of which the tests before are the mend: where this fails, the mend may go."""
        assert await join(GroupCoordinator, 2_000) == (1, 0)


class TestRefusedJoins:
    """Nothing is read before the group was joined: an error of the join that waits for a read waits for ever."""

    @pytest.fixture
    def routine(self, monkeypatch):
        """Runs the routine of a coordinator of this kind that joins at the second try; returns it while it runs."""
        monkeypatch.setattr(kafka_client, "JOIN_PAUSE_SECONDS", 0.001)

        @asynccontextmanager
        async def run(kind):
            made, loop = kind.__new__(kind), asyncio.get_running_loop()
            made.group_id, made._subscription = "group", SubscriptionState()
            made._subscription.subscribe({PLACE.topic})
            made._subscription.register_fetch_waiters(set())
            made._closing, made._coordinator_dead_fut, made._rejoin_needed_fut = (loop.create_future() for _ in "123")
            made._performed_join_prepare, made._enable_auto_commit, made._max_poll_interval = False, False, 1_000.0
            made._heartbeat_task, made._commit_refresh_task = None, None
            made._error_consumed_fut = made._pending_exception = None
            made.ensure_coordinator_known = lambda: asyncio.sleep(0)
            made._start_heartbeat_task = lambda: None
            made.joins = 0
            made._do_rejoin_group = partial(self._join, made)
            made._coordination_task = task = asyncio.create_task(made._coordination_routine())
            try:
                yield made
            finally:
                made._closing.set_result(None)
                await asyncio.wait_for(task, DEADLINE_SECONDS)

        return run

    @staticmethod
    async def _join(coordinator, subscription):
        coordinator.joins += 1
        if coordinator.joins == 1:
            raise KafkaError("UnknownError()")
        coordinator._rejoin_needed_fut = asyncio.get_running_loop().create_future()
        coordinator._subscription.assign_from_subscribed([PLACE])
        return True

    async def test_one_that_kafka_refused_is_tried_again(self, mended, routine):
        async with routine(consumer.GroupCoordinator) as coordinator:
            await until(lambda: coordinator._subscription.assigned_partitions() == {PLACE})
            assert coordinator.joins == 2

    async def test_a_worker_that_stops_meanwhile_does_not_wait(self, mended, routine, monkeypatch):
        monkeypatch.setattr(kafka_client, "JOIN_PAUSE_SECONDS", 1_000.0)
        async with routine(consumer.GroupCoordinator) as coordinator:
            await until(lambda: coordinator.joins == 1)

    async def test_an_error_of_a_member_is_left_for_the_application(self, mended, routine):
        async with routine(consumer.GroupCoordinator) as coordinator:
            await until(lambda: coordinator._subscription.assigned_partitions() == {PLACE})
            waiting = asyncio.ensure_future(coordinator._push_error_to_user(KafkaError("refused")))
            with pytest.raises(KafkaError, match="refused"):
                coordinator.check_errors()
            await waiting

    async def test_aiokafka_s_own_waits_for_a_read(self, routine):
        """The defect of which the tests before are the mend: where this fails, the mend may go."""
        async with routine(GroupCoordinator) as coordinator:
            await until(lambda: coordinator._pending_exception is not None)
            for _ in range(10):
                await asyncio.sleep(0.001)
            assert coordinator.joins == 1
