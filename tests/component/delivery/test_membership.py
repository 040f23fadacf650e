"""A worker joins and leaves the group but once."""

import asyncio
import threading
from types import SimpleNamespace

import faust
import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from faust.transport.drivers import aiokafka as driver
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

from microblog_streams.bootstrap import application, faust_app
from microblog_streams.config.settings import Settings
from microblog_streams.delivery.faust_patches.consumer import PatchedConsumer, PatchedConsumerThread
from microblog_streams.delivery.faust_patches.transport import HeartbeatThread
from microblog_streams.services.worker_process import STOP_SECONDS
from tests.component.delivery.reading_world import Reading
from tests.support.waiting import until


async def subscribed_again(kind, topics):
    """Subscribe to topics where these are subscribed to: changelog and events; return whether the assignment holds."""
    world = Reading(kind)
    await world.thread.subscribe(topics)
    await world.close()
    return world.assignment.active


async def test_to_subscribe_to_the_same_topics_again_is_no_rebalance():
    assert await subscribed_again(PatchedConsumerThread, ["events", "changelog"])


async def test_to_faust_it_is_one():
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    assert not await subscribed_again(AIOKafkaConsumerThread, ["events", "changelog"])


async def test_to_subscribe_to_others_is_one():
    assert not await subscribed_again(PatchedConsumerThread, ["events", "changelog", "more"])


async def test_partitions_are_given_back_only_when_no_try_of_an_effect_is_under_way(real_application):
    app = real_application(Settings())
    with app.streaming.processor_pool.tries.call():
        giving = asyncio.create_task(app.on_partitions_revoked.send(set()))
        done, _ = await asyncio.wait([giving], timeout=0.01)
        assert not done
    await giving


async def test_a_stop_has_an_end_from_its_beginning_on_and_the_time_for_its_hold_besides(real_application, monkeypatch):
    steps = []

    async def stopped(self):
        steps.append("stopped")

    monkeypatch.setattr(faust.App, "on_stop", stopped)
    monkeypatch.setattr(application, "end_within", steps.append)
    await real_application(Settings(ack_hold=55)).on_stop()
    assert steps == [STOP_SECONDS + 55, "stopped"]


async def test_a_start_ends_by_exempting_what_it_left_from_garbage_collection(real_application, monkeypatch):
    steps = []

    async def started(self):
        steps.append("started")

    monkeypatch.setattr(faust.App, "on_started", started)
    monkeypatch.setattr(faust_app, "freeze_heap", lambda: steps.append("frozen"))
    await real_application(Settings()).on_started()
    assert steps == ["started", "frozen"]


class Member:
    """A consumer's place in the group, and its connections: which loop closes them."""

    def __init__(self, kind):
        self.closed_by = {}
        self.thread = kind.__new__(kind)
        self.coordinator = GroupCoordinator.__new__(GroupCoordinator)
        self.coordinator.close = self._closer("coordinator")
        client = SimpleNamespace(close=self._closer("client"))
        self.thread._consumer = SimpleNamespace(_client=client, _coordinator=self.coordinator, _closed=False)
        self.thread.thread_loop = asyncio.new_event_loop()
        self.thread.app = SimpleNamespace(loop=asyncio.get_running_loop())

    def _closer(self, name):
        async def close():
            self.closed_by[name] = asyncio.get_running_loop()

        return close

    async def leave(self, *names):
        """Let the thread close the consumer while its loop runs; return once these were closed."""
        running = threading.Thread(target=self.thread.thread_loop.run_forever)
        running.start()
        try:
            self.thread.close()
            await until(lambda: self.closed_by.keys() == set(names))
        finally:
            self.thread.thread_loop.call_soon_threadsafe(self.thread.thread_loop.stop)
            running.join()
            self.thread.thread_loop.close()

    async def go_on_with_the_rebalance(self):
        """Do what comes after the partitions were revoked; return whether the next generation was joined."""
        self.coordinator._subscription = SimpleNamespace(subscribed_pattern=None, fetcher_idle_time=0)
        self.coordinator._performed_join_prepare, self.coordinator._heartbeat_task = True, None
        self.coordinator._retry_backoff_ms = 1
        joined = []

        async def join(subscription):
            joined.append(subscription)
            return False

        self.coordinator._do_rejoin_group = join
        await self.coordinator.ensure_active_group("subscription", prev_assignment="assignment")
        return joined != []


async def test_the_group_is_left_in_the_thread_and_the_connections_stay_for_the_last_commit():
    member = Member(PatchedConsumerThread)
    await member.leave("coordinator")
    assert member.closed_by["coordinator"] is member.thread.thread_loop


async def test_the_group_is_left_in_place_of_joining_its_next_generation():
    member = Member(PatchedConsumerThread)
    await member.leave("coordinator")
    assert not await member.go_on_with_the_rebalance()


async def test_faust_closes_a_thread_s_connections_in_another_thread():
    """The defect of which the tests before are the mend: where this fails, the mend may go."""
    member = Member(AIOKafkaConsumerThread)
    await member.leave("coordinator", "client")
    assert set(member.closed_by.values()) == {asyncio.get_running_loop()}


class TestMetadata:
    """Kafka gives a follower that joins again with the metadata it has the generation that it has."""

    @pytest.fixture
    def thread(self):
        thread = HeartbeatThread.__new__(HeartbeatThread)
        coordinator = SimpleNamespace(request_rejoin=lambda: None)
        thread._consumer = SimpleNamespace(_coordinator=coordinator)
        thread.thread_loop = SimpleNamespace(call_soon_threadsafe=lambda call: call())
        return thread

    @pytest.fixture
    def metadata(self, thread):
        plain = ConsumerProtocolMemberMetadata(4, ["events"], b"{}")
        describe = thread._vary_metadata(lambda topics: plain)
        return lambda: describe({"events"}).user_data

    @pytest.mark.parametrize("partitions", [1, 2, 3, 16])
    def test_it_differs_however_many_partitions_ask_to_join_again(self, thread, metadata, partitions):
        before = metadata()
        for _ in range(partitions):
            thread.rejoin()
        assert metadata() != before

    def test_it_differs_too_where_a_join_before_was_lost_on_its_way(self, thread, metadata):
        known = metadata()
        thread.rejoin()
        metadata()
        thread.rejoin()
        assert metadata() != known

    def test_it_stays_unless_asked(self, metadata):
        assert metadata() == metadata() == b"{}"


class TestNumbers:
    """Kafka may give a member the generation that it had; acknowledgements that were not committed are dropped."""

    @pytest.fixture
    def numbers(self):
        """Returns the numbers of the assignments that a kind of consumer gets in these generations."""

        async def assign(kind, *generations):
            app, coordinator, told = SimpleNamespace(consumer_generation_id=0), SimpleNamespace(), []
            thread = SimpleNamespace(
                app=app,
                _ensure_consumer=lambda: SimpleNamespace(_coordinator=coordinator),
                on_partitions_assigned=lambda assigned, number: asyncio.sleep(0, told.append(number)),
            )
            listener = kind.RebalanceListener(thread)
            for coordinator.generation in generations:
                await listener.on_partitions_assigned([TP("events", 0)])
                assert app.consumer_generation_id == told[-1]
            return told

        return assign

    async def test_each_assignment_has_a_higher_one(self, numbers):
        assert await numbers(PatchedConsumer, 1, 1, 1) == [1, 2, 3]
        assert await numbers(PatchedConsumer, 40, 1, 2, 42) == [40, 41, 42, 43]

    async def test_it_is_kafka_s_where_that_is_higher(self, numbers):
        assert await numbers(PatchedConsumer, 7, 8, 10) == [7, 8, 10]

    async def test_faust_s_own_consumer_takes_kafka_s(self, numbers):
        """The defect of which the tests before are the mend: where this fails, the mend may go."""
        assert await numbers(driver.Consumer, 1, 1, 1) == [1, 1, 1]

    def test_without_the_dropped_acknowledgements_nothing_is_committed(self):
        """Faust's own doing: 8 and 9 were acknowledged before the partition was revoked, 10 after it came back."""
        consumer, place = driver.Consumer.__new__(driver.Consumer), TP("events", 0)
        consumer._acked, consumer._gap, consumer._committed_offset = {place: [10]}, {place: None}, {place: 8}
        assert consumer._new_offset(place) is None
