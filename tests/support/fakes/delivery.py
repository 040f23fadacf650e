"""What a partition processor needs, in memory: a group, a stream, a clock that tests set, the run id of Redis."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from faust.events import Event as FaustEvent
from faust.types import TP
from faust.types.tuples import Message

from microblog_streams.delivery.lease import Heartbeat, PartitionLease
from microblog_streams.delivery.offset_acks import RedisRestartMonitor
from microblog_streams.delivery.partition_processor import PartitionProcessor
from microblog_streams.delivery.processor_pool import ProcessorLimits, ProcessorPool, deliver
from microblog_streams.domain.events import Event, UserId
from tests.support.fakes.log import FakeLog

TOPIC = "notes"
OWNER = 7


class Note(Event):
    """An event of the tests; ``number`` is its offset."""

    user_id: UserId
    number: int

    @property
    def owner(self) -> int:
        return self.user_id


class Clock:
    """A monotonic clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.time = 1_000.0

    def __call__(self) -> float:
        return self.time

    def pass_by(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class Group:
    """The consumer group as a worker sees it."""

    rebalancing: bool = False
    consumer_generation_id: int = 1


class FakeStream:
    """A stream that yields what was put, and remembers what was acknowledged."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.acked: list[int] = []
        self.taken: list[int] = []

    def noack(self) -> "FakeStream":
        return self

    async def events(self):
        while (event := await self.queue.get()) is not None:
            self.taken.append(event.message.offset)
            yield event

    async def ack(self, event: FaustEvent) -> bool:
        self.acked.append(event.message.offset)
        return True


class Effects:
    """The effect of a handler: counts, waits where told, fails where told. Offsets name the events."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.rows: list[int] = []
        self.gates: dict[int, asyncio.Event] = {}
        #: Events whose effects lose their next cancellation, as a library would.
        self.deaf: set[int] = set()
        self.failures: dict[int, list[BaseException]] = defaultdict(list)
        self.row_failures: dict[int, list[BaseException]] = defaultdict(list)
        self.most = 0
        self._running = 0

    def hold(self, *offsets: int) -> None:
        """Let the effects of these events wait for ``release``."""
        for offset in offsets:
            self.gates[offset] = asyncio.Event()

    def release(self, *offsets: int) -> None:
        for offset in offsets:
            self.gates.pop(offset).set()

    async def _wait(self, offset: int) -> None:
        try:
            await self.gates[offset].wait()
        except asyncio.CancelledError:
            if offset not in self.deaf:
                raise
            self.deaf.remove(offset)
            await self.gates[offset].wait()

    def record(self, event: Note, lease: PartitionLease) -> None:
        if self.row_failures[event.number]:
            raise self.row_failures[event.number].pop(0)
        self.rows.append(event.number)

    async def __call__(self, event: Note, lease: PartitionLease) -> None:
        self.begun.append(event.number)
        self._running += 1
        self.most = max(self.most, self._running)
        try:
            if event.number in self.gates:
                await self._wait(event.number)
            lease.check()
            if self.failures[event.number]:
                raise self.failures[event.number].pop(0)
            self.ended.append(event.number)
        finally:
            self._running -= 1


async def _confirmed(message: Message) -> None:
    """Every row is confirmed."""


@dataclass
class World:
    """A worker with one partition processor, of the partition ``tp``."""

    window: int = 4
    unacked: int = 100
    on_failure: Literal["halt", "dead-letter"] = "halt"
    hold: float = 0.0
    clock: Clock = field(default_factory=Clock)
    group: Group = field(default_factory=Group)
    log: FakeLog = field(default_factory=FakeLog)
    effects: Effects = field(default_factory=Effects)
    stream: FakeStream = field(default_factory=FakeStream)
    tp: TP = field(default_factory=lambda: TP(TOPIC, 3))
    committed: dict[TP, int] = field(default_factory=dict)
    first: int = 0
    #: Errors that Kafka answers before it tells the first offset.
    kafka_errors: list[Exception] = field(default_factory=list)
    rejoins: list[str] = field(default_factory=list)
    run_id: str = "first"
    confirm: Callable[[Message], Awaitable[None]] = _confirmed
    #: Whether the handler writes rows.
    writes: bool = False

    def __post_init__(self) -> None:
        self.heartbeat = Heartbeat(session=10.0, answered_at=self.clock())
        self.redis_restart_monitor = RedisRestartMonitor(self._run_id, self.hold)
        self.processor_pool = ProcessorPool(
            membership=self.group,
            heartbeat=self.heartbeat,
            redis_restart_monitor=self.redis_restart_monitor,
            limits=ProcessorLimits(self.window, self.unacked, self.on_failure),
            log=self.log,
            confirm=self.confirm,
            committed=self._committed,
            first_offset=self._first_offset,
            rejoin=self.rejoins.append,
        )
        self.task: asyncio.Task[None] | None = None

    async def _run_id(self) -> str:
        return self.run_id

    async def _committed(self, tp: TP) -> int | None:
        return self.committed.get(tp)

    async def _first_offset(self, tp: TP) -> int:
        if self.kafka_errors:
            raise self.kafka_errors.pop(0)
        return self.first

    def start(self) -> None:
        """Run the agent's loop."""
        record = self.effects.record if self.writes else None
        self.task = asyncio.create_task(
            deliver(self.processor_pool, self.stream, {TOPIC: Note}, self.effects, record),
        )

    async def stop(self) -> None:
        """Cancel the loop, as a revoked partition does."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    @property
    def processor(self) -> PartitionProcessor:
        (processor,) = self.processor_pool.processors
        return processor

    @property
    def acked(self) -> list[int]:
        return self.stream.acked

    def put(self, *offsets: int) -> None:
        """Let the stream yield these events of the group's current generation."""
        for offset in offsets:
            self.put_raw(offset)

    def put_raw(self, offset: int, **changes: Any) -> None:
        """Let the stream yield an event with another key, value or headers."""
        note = Note(user_id=OWNER, number=offset)
        key, value = changes.get("key", note.key), changes.get("value", note.encode())
        headers = changes.get("headers", [("schema", b"1")])
        message = Message(
            TOPIC,
            self.tp.partition,
            offset,
            datetime.now(UTC).timestamp(),
            0,
            headers,
            key,
            value,
            None,
            tp=self.tp,
            generation_id=self.group.consumer_generation_id,
        )
        self.stream.queue.put_nowait(FaustEvent(None, key, value, headers, message))

    def rebalance(self) -> None:
        """Go on to the next generation of the group; acknowledgements so far were committed."""
        self.group.consumer_generation_id += 1
        self.committed[self.tp] = self.acked[-1] + 1 if self.acked else self.committed.get(self.tp, 0)

    @staticmethod
    def note(**fields: Any) -> bytes:
        """Return a value with these fields in place of a note's."""
        return json.dumps({"userId": OWNER, "number": 0, **fields}, separators=(",", ":")).encode()
