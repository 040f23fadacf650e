"""Fixes of Faust's transport, its producer and its topics (faust-streaming 0.15.3, aiokafka 0.14).

- Faust and aiokafka do not expose the time of the last heartbeat. Here each answered heartbeat (and each join) updates
  ``Heartbeat``, which leases are checked against, with the time at which the request was sent.
- A coordinator that still loads its groups, after a restart or a move, answers every heartbeat well, also that of a
  member that the group has dropped (in Kafka's ``GroupCoordinatorService``: "blindly respond"). A worker that had been
  frozen for longer than its session took that for a valid lease, beside the next owner. Here, once the lease is over, a
  heartbeat counts only where the coordinator has told the group's offsets before, as it does once it has loaded them.
- ``fetch_max_wait_ms=1500`` is hard-coded, and every request on the same connection waits behind a fetch: a worker took
  4.2 s to be ready and a second one 9.6 s to join. With 100 ms: 1.4 s and 3.9 s. Once a worker is ready nothing waits
  behind a long fetch, and short ones cost an idle worker's processor time, so it is 500 ms then.
- A member that joins again with the same metadata gets the same generation: no event is read again. Here the metadata
  of a join that was asked for differs from that of those before (by white space after its JSON), however many
  partitions asked for it.
- One changelog record that aiokafka refuses (no metadata while the broker is away) ends the producer buffer's task, and
  with it the worker. Here the record is offered again, in its place, until it is accepted.
- Faust declares its topics once, with the producer's short time-out: a broker that took longer ended a worker's start.
  Here a topic is declared again until the broker answers.
- **Every record waits for three turns of the event loop before it reaches the producer.** A topic gets the producer
  from the app, which starts it if necessary, and yields for the sake of tasks that ask at the same time. In a busy
  worker a turn is a millisecond: posts waited that much longer for their confirmation, and the changelog's records,
  which are sent one after the other, went to Kafka in a request each, 1,100 a second. Here a started producer is used
  directly.
- The command ``faust agents`` ends with a traceback where an agent reads two topics: it asks each agent's channel for
  its single name. Here a channel of several topics returns all their names.
"""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest
from faust.exceptions import ProducerSendError
from faust.topics import Topic
from faust.transport.drivers import aiokafka as driver
from faust.transport.producer import ProducerBuffer
from faust.types.transports import ProducerT
from faust.types.tuples import TP, FutureMessage

from microblog_streams.aio.failures import pauses
from microblog_streams.delivery.faust_patches.consumer import PatchedConsumer, PatchedConsumerThread
from microblog_streams.delivery.lease import Heartbeat
from microblog_streams.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from faust import App

logger = logging.getLogger(__name__)

#: Milliseconds that a fetch may wait for records: while a worker joins and recovers, and once it is ready.
JOINING_FETCH_MS, READY_FETCH_MS = 100, 500
#: Forms that a member's metadata takes, one after the other: more than joins that may be lost on their way to Kafka.
METADATA_VARIANTS = 16
#: Seconds for which changelog records gather once all are sent: each request costs as much as ten records. Only
#: acknowledgements wait for a row's confirmation, and they are held much longer.
GATHER_SECONDS = 0.005
#: Records that are sent before the loop runs other tasks.
MAX_BURST_RECORDS = 32


class HeartbeatThread(PatchedConsumerThread):
    """The consumer's thread, which keeps the heartbeat."""

    _rejoins_described = 0
    _variant = 0

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = JOINING_FETCH_MS
        assignor = cast(Any, self._assignor)
        assignor.metadata = self._vary_metadata(assignor.metadata)
        return consumer

    def _vary_metadata(self, describe: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def describe_again(topics: Any) -> Any:
            plain = describe(topics)
            if self._rejoins_described != self.rejoins:
                self._rejoins_described = self.rejoins
                self._variant = (self._variant + 1) % METADATA_VARIANTS
            return type(plain)(plain.version, plain.subscription, plain.user_data + b" " * self._variant)

        return describe_again

    async def on_start(self) -> None:
        """Start the consumer, then record the heartbeats that its coordinator gets answered."""
        await super().on_start()
        coordinator = self._ensure_consumer()._coordinator
        coordinator._send_req = _recording_heartbeats(
            coordinator._send_req, cast(PatchedTransport, self.transport).heartbeat
        )

    def set_fetch_wait(self, milliseconds: int) -> None:
        """Set how long the next fetch, and those after it, wait for records."""
        if self._consumer is not None and (fetcher := self._consumer._fetcher) is not None:
            fetcher._fetch_max_wait_ms = milliseconds


def _recording_heartbeats(send: Callable[[Any], Any], heartbeat: Heartbeat) -> Callable[[Any], Any]:
    async def recording(request: Any) -> Any:
        counts = not isinstance(request, HeartbeatRequest) or heartbeat.is_certain or await _has_loaded(send, request)
        asked = monotonic()
        response = await send(request)
        if isinstance(request, HeartbeatRequest | SyncGroupRequest) and not response.error_code and counts:
            heartbeat.answered_at = asked
        return response

    return recording


async def _has_loaded(send: Callable[[Any], Any], request: HeartbeatRequest) -> bool:
    """Return whether the coordinator has loaded the heartbeat's group, and so its members."""
    try:
        await send(OffsetFetchRequest(request._group, []))
    except KafkaError:
        return False
    return True


class HeartbeatConsumer(PatchedConsumer):
    """A consumer with that thread."""

    _thread: HeartbeatThread

    def _new_consumer_thread(self) -> HeartbeatThread:
        return HeartbeatThread(self, loop=self.loop, beacon=self.beacon)

    def stop_flow(self) -> None:
        """Block the flow of events: a rebalance begins, and its requests must not wait behind fetches."""
        super().stop_flow()
        self._thread.set_fetch_wait(JOINING_FETCH_MS)

    def be_ready(self) -> None:
        """Let fetches wait for longer: nothing waits behind them any more."""
        self._thread.set_fetch_wait(READY_FETCH_MS)


class RetryingProducerBuffer(ProducerBuffer):
    """A producer buffer that outlives the broker."""

    async def _send_pending(self, fut: FutureMessage) -> None:
        await self._offer(fut)
        left = self.pending.qsize()
        if left % MAX_BURST_RECORDS == 0:
            await asyncio.sleep(0 if left else GATHER_SECONDS)

    async def _offer(self, fut: FutureMessage) -> None:
        for pause in pauses():
            try:
                await super()._send_pending(fut)
                return
            except (KafkaError, ProducerSendError) as exc:
                logger.warning("changelog_waits reason=%r", exc)
                await asyncio.sleep(pause)


class RetryingProducer(driver.Producer):
    """A producer with that buffer, which declares topics until the broker answers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take Faust's arguments."""
        super().__init__(*args, **kwargs)
        self.buffer = RetryingProducerBuffer(loop=self.loop, beacon=self.beacon)
        self.buffer.app = self.app

    async def create_topic(self, topic: str, *args: Any, **kwargs: Any) -> None:
        """Create a topic where it does not exist. Raises KafkaError where another try cannot succeed."""
        for pause in pauses():
            try:
                await super().create_topic(topic, *args, **kwargs)
                return
            except KafkaError as exc:
                if self.should_stop or not exc.retriable:
                    raise
                logger.warning("topic_waits topic=%s reason=%r", topic, exc)
                await asyncio.sleep(pause)


class PatchedTransport(driver.Transport):
    """The transport with that consumer and producer (``app.transport``)."""

    Consumer: ClassVar[type[Any]] = HeartbeatConsumer
    Producer: ClassVar[type[Any]] = RetryingProducer
    heartbeat: Heartbeat


def producer_started(app: "App") -> bool:
    """Return whether the producer was started."""
    return getattr(app.producer, "_producer", None) is not None


def broker_connected(app: "App") -> bool:
    """Return whether the producer has a connection to any broker."""
    producer = getattr(app.producer, "_producer", None)
    connections = producer.client._conns.values() if producer is not None else ()
    return any(connection.connected() for connection in connections)


async def refresh_broker(app: "App", timeout: float) -> bool:
    """Try to reach a broker within ``timeout`` seconds, by asking for its metadata."""
    producer = getattr(app.producer, "_producer", None)
    if producer is None:
        return False
    try:
        async with asyncio.timeout(timeout):
            return bool(await producer.client.force_metadata_update())
    except (TimeoutError, KafkaError, OSError):
        return False


async def committed_offset(app: "App", tp: TP) -> int | None:
    """Return where Faust began to read a partition, in this generation. Raises StoreUnavailable.

    Kafka is asked what Faust has not noted: after a restart within the session it had nothing noted of a partition with
    90 committed records, and began to read there all the same.
    """
    consumer = cast(Any, app.consumer)
    noted: int | None = consumer._committed_offset.get(tp)
    if noted is not None:
        return noted
    try:
        return await cast(PatchedConsumerThread, consumer._thread).committed(tp)
    except (KafkaError, OSError) as exc:
        raise StoreUnavailable("kafka", exc) from exc


async def first_offset(app: "App", tp: TP) -> int:
    """Return the offset of the oldest record that a partition still has. Raises StoreUnavailable."""
    try:
        offsets = await app.consumer.earliest_offsets(tp)
    except (KafkaError, OSError) as exc:
        raise StoreUnavailable("kafka", exc) from exc
    return int(offsets[tp] or 0)


def be_ready(app: "App") -> None:
    """Let fetches wait for longer, now that a rebalance is over."""
    cast(HeartbeatConsumer, app.consumer).be_ready()


def rejoin(app: "App", reason: str) -> None:
    """Make the worker leave the group's generation and join the next, from the last commit on."""
    logger.error("group_rejoined reason=%s", reason)
    cast(Any, app.consumer)._thread.rejoin()


class PatchedTopic(Topic):
    """A topic, or several that are read as one channel (setting ``Topic``)."""

    def get_topic_name(self) -> str:
        """Return the name; for several topics all names, only for display: nothing is published on several."""
        return ", ".join(self.topics) if len(self.topics) > 1 else super().get_topic_name()

    async def _get_producer(self) -> ProducerT:
        producer = self.app.producer
        return producer if producer.started else await super()._get_producer()
