"""The smaller mends, each against what Faust and aiokafka do without it."""

from types import SimpleNamespace

import faust.streams
import pytest
from aiokafka.errors import (
    GroupLoadInProgressError,
    KafkaConnectionError,
    KafkaTimeoutError,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
)
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.group import HeartbeatRequest, LeaveGroupRequest, SyncGroupRequest
from faust.exceptions import ProducerSendError
from faust.transport.drivers import aiokafka as driver
from faust.transport.producer import ProducerBuffer

from microblog_streams.aio import failures
from microblog_streams.config.settings import LEASE_MARGIN_SECONDS
from microblog_streams.delivery import faust_patches
from microblog_streams.delivery.faust_patches import transport
from microblog_streams.delivery.faust_patches.transport import RetryingProducer, RetryingProducerBuffer
from microblog_streams.delivery.lease import Heartbeat, PartitionLease
from microblog_streams.domain.errors import NotMine, SetupError
from tests.support.fakes.delivery import Clock, Group
from tests.support.waiting import until


class Channel:
    """Takes records after it refused some."""

    def __init__(self):
        self.refusals = [ProducerSendError("no metadata"), KafkaTimeoutError()]
        self.taken = []

    async def publish_message(self, future, wait):
        if self.refusals:
            raise self.refusals.pop(0)
        self.taken.append(future.message.key)


def record(channel, key):
    return SimpleNamespace(message=SimpleNamespace(channel=channel, key=key))


async def send(buffer, channel):
    """Put two records into a running buffer."""
    buffer.app = SimpleNamespace(conf=SimpleNamespace(producer_threaded=False))
    await buffer.start()
    for key in (b"1", b"2"):
        buffer.put(record(channel, key))
    return buffer


async def test_a_record_that_is_refused_is_offered_again_in_its_place(monkeypatch):
    monkeypatch.setattr(failures, "FIRST_SECONDS", 0.001)
    channel = Channel()
    buffer = await send(RetryingProducerBuffer(), channel)
    try:
        await until(lambda: channel.taken == [b"1", b"2"])
        assert not buffer.crashed
    finally:
        await buffer.stop()


async def test_faust_s_own_buffer_dies_of_it():
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    channel = Channel()
    buffer = await send(ProducerBuffer(), channel)
    await until(lambda: buffer.crashed)
    assert channel.taken == []
    buffer.pending.get_nowait()
    await buffer.stop()


class Producer(RetryingProducer):
    """A producer without a broker."""

    should_stop = False

    def __init__(self):
        pass


@pytest.fixture
def declare(monkeypatch):
    """Declares a topic at a broker that gives these answers, one a call; returns those that it did not come to."""
    monkeypatch.setattr(failures, "FIRST_SECONDS", 0.001)

    async def declared(*errors):
        answers = [*errors, None]

        async def create_topic(self, topic):
            if error := answers.pop(0):
                raise error

        monkeypatch.setattr(driver.Producer, "create_topic", create_topic)
        await Producer().create_topic("leader")
        return answers

    return declared


async def test_a_topic_is_declared_again_where_the_broker_does_not_answer_in_time(declare):
    assert await declare(RequestTimedOutError(), KafkaConnectionError()) == []


async def test_a_topic_that_the_broker_refuses_is_an_error(declare):
    with pytest.raises(TopicAuthorizationFailedError):
        await declare(TopicAuthorizationFailedError())


async def test_a_producer_that_stops_declares_nothing_again(declare, monkeypatch):
    monkeypatch.setattr(Producer, "should_stop", True)
    with pytest.raises(RequestTimedOutError):
        await declare(RequestTimedOutError())


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(transport, "monotonic", clock)
    monkeypatch.setattr("microblog_streams.delivery.lease.monotonic", clock)
    return clock


HEARTBEAT = HeartbeatRequest("group", 1, "member")
SYNC = SyncGroupRequest("group", 1, "member", None, [])


@pytest.mark.parametrize(
    ("request_", "error", "beats"),
    [
        (HEARTBEAT, 0, True),
        (SYNC, 0, True),
        (HEARTBEAT, 27, False),  # the group is rebalanced
        (HEARTBEAT, 25, False),  # unknown member
        (SYNC, 22, False),  # another generation
        (LeaveGroupRequest("group", "member"), 0, False),
    ],
)
async def test_the_pulse_is_the_time_before_a_request_that_was_answered_well(clock, request_, error, beats):
    heartbeat = Heartbeat(session=10, answered_at=clock.time - 1)

    async def answer(request):
        clock.pass_by(3)
        return SimpleNamespace(error_code=error)

    asked, before = clock.time, heartbeat.answered_at
    await transport._recording_heartbeats(answer, heartbeat)(request_)
    assert heartbeat.answered_at == (asked if beats else before)


async def test_a_request_that_fails_is_no_beat(clock):
    heartbeat = Heartbeat(session=10, answered_at=clock.time - 1)

    async def fail(request):
        raise KafkaTimeoutError

    with pytest.raises(KafkaTimeoutError):
        await transport._recording_heartbeats(fail, heartbeat)(HEARTBEAT)
    assert heartbeat.answered_at == clock.time - 1


class Loading:
    """A coordinator that loads its groups: it answers every heartbeat well, and tells no offsets."""

    loads = True

    def __init__(self):
        self.asked = []

    async def __call__(self, request):
        self.asked.append(type(request))
        if isinstance(request, OffsetFetchRequest) and self.loads:
            raise GroupLoadInProgressError
        return SimpleNamespace(error_code=0)


async def test_a_lease_that_is_over_does_not_come_back_by_a_coordinator_that_loads_its_groups(clock):
    heartbeat, coordinator = Heartbeat(session=10, answered_at=clock.time - 60), Loading()
    beat = transport._recording_heartbeats(coordinator, heartbeat)
    await beat(HEARTBEAT)
    assert not heartbeat.is_certain

    coordinator.loads = False
    await beat(HEARTBEAT)
    assert heartbeat.answered_at == clock.time
    assert coordinator.asked == [OffsetFetchRequest, HeartbeatRequest] * 2


async def test_a_lease_that_holds_is_renewed_by_one_request(clock):
    """Before the session has ended, the group that is loaded has this member."""
    heartbeat, coordinator = Heartbeat(session=10, answered_at=clock.time - 1), Loading()
    await transport._recording_heartbeats(coordinator, heartbeat)(HEARTBEAT)
    assert heartbeat.answered_at == clock.time
    assert coordinator.asked == [HeartbeatRequest]


def lease(group, heartbeat, generation=1):
    return PartitionLease(group, heartbeat, SimpleNamespace(partition=0, generation_id=generation))


def test_a_lease_holds_until_a_margin_before_the_session_ends(clock):
    held = lease(Group(), Heartbeat(session=10, answered_at=clock.time))
    clock.pass_by(10 - LEASE_MARGIN_SECONDS)
    held.check()
    clock.pass_by(0.001)
    with pytest.raises(NotMine):
        held.check()


@pytest.mark.parametrize("group", [Group(rebalancing=True), Group(consumer_generation_id=2)])
def test_a_lease_ends_with_its_generation(clock, group):
    with pytest.raises(NotMine):
        lease(group, Heartbeat(session=10, answered_at=clock.time)).check()


def test_the_installed_versions_are_those_that_the_mends_are_for():
    faust_patches.check_versions()


@pytest.mark.parametrize("package", ["faust-streaming", "aiokafka"])
def test_another_version_is_refused(monkeypatch, package):
    monkeypatch.setitem(faust_patches.TESTED, package, "0.0.1")
    with pytest.raises(SetupError, match=rf"{package} .* is installed.*pip install {package}==0\.0\.1"):
        faust_patches.check_versions()


def test_a_faust_without_compiled_streams_is_refused(monkeypatch):
    monkeypatch.setattr(faust.streams, "_CStreamIterator", None)
    with pytest.raises(SetupError, match="binary wheel"):
        faust_patches.check_versions()
