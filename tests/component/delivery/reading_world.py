"""Faust's thread, with aiokafka's own consumer, fetcher, subscription and assignment; only the broker is missing."""

import asyncio
from types import SimpleNamespace

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import Fetcher, FetchResult
from aiokafka.consumer.subscription_state import SubscriptionState
from faust.types import TP

from microblog_streams.delivery.faust_patches.consumer import PatchedConsumer
from tests.support.waiting import until

CHANGELOG, SOURCE = TopicPartition("changelog", 1), TopicPartition("events", 0)
RECORDS = 7


class Record(int):
    """A record, which is its offset."""

    @property
    def offset(self):
        return int(self)


class Records:
    """What a fetch brought: as aiokafka's own, without bytes."""

    def __init__(self):
        self.next_fetch_offset = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.next_fetch_offset == RECORDS:
            raise StopIteration
        self.next_fetch_offset += 1
        return Record(self.next_fetch_offset - 1)


class Reading:
    """A consumer to which two partitions are assigned, at the beginning of both; nothing is committed."""

    def __init__(self, kind):
        self.subscription = SubscriptionState()
        self.subscription.subscribe({"changelog", "events"})
        self.subscription.assign_from_subscribed({CHANGELOG, SOURCE})
        self.assignment = self.subscription.subscription.assignment
        self.leaders = {}
        loop = asyncio.get_running_loop()
        self.client = SimpleNamespace(
            cluster=SimpleNamespace(leader_for_partition=self.leaders.get),
            _loop=loop,
            _metadata_max_age_ms=1_000,
            force_metadata_update=loop.create_future,
            set_topics=lambda topics: None,
        )
        self.fetcher = Fetcher(self.client, self.subscription, auto_offset_reset="earliest")
        self.at(0)
        self.aiokafka = AIOKafkaConsumer.__new__(AIOKafkaConsumer)
        self.aiokafka._client, self.aiokafka._group_id = self.client, "group"
        self.aiokafka._fetcher, self.aiokafka._subscription = self.fetcher, self.subscription
        self.aiokafka.committed = self._committed
        self.aiokafka._coordinator = SimpleNamespace(check_errors=lambda: None)
        self.wanted = {TP(*SOURCE)}
        self.thread = kind.__new__(kind)
        self.thread.app = SimpleNamespace(tables=SimpleNamespace(changelog_topics={"changelog"}))
        self.thread.consumer = self.consumer = self._consumer()
        self.thread._consumer, self.thread._rebalance_listener = self.aiokafka, None
        self.thread.thread_loop, self.thread.call_thread = loop, self._call
        self.task = None

    def _consumer(self):
        consumer = PatchedConsumer.__new__(PatchedConsumer)
        consumer._thread = self.thread
        consumer._committed_offset, consumer._read_offset = {}, {}
        consumer.can_resume_flow, consumer.suspend_flow = asyncio.Event(), asyncio.Event()
        return consumer

    @staticmethod
    async def _committed(partition):
        return None

    @staticmethod
    async def _call(fun, *args, **options):
        result = fun(*args, **options)
        return await result if asyncio.iscoroutine(result) else result

    def read(self, timeout=0.0):
        """Read what is wanted."""
        return self.thread._fetch_records(self.aiokafka, self.wanted, timeout=timeout, max_records=100)

    async def until_under_way(self):
        """Begin to read; return once the read waits for records."""
        self.task = asyncio.create_task(self.read(timeout=30.0))
        await self.until_it_waits()

    async def until_it_waits(self):
        """Return once a read waits, having seen all that has arrived."""
        await until(lambda: any(not waiter.done() for waiter in self.fetcher._fetch_waiters))

    def arrive(self, partition):
        """Fetch records of a partition."""
        result = FetchResult(partition, assignment=self.assignment, partition_records=Records(), backoff=0.1)
        self.fetcher._records[partition] = result
        for waiter in list(self.fetcher._fetch_waiters):
            self.fetcher._notify(waiter)

    def at(self, offset):
        """Set where both partitions are read from."""
        for partition in (CHANGELOG, SOURCE):
            self.fetcher.seek_to(partition, offset)

    def position(self, partition):
        """Return where a partition is read from; None until it is known."""
        state = self.assignment.state_value(partition)
        return state.position if state.has_valid_position else None

    async def close(self):
        """End the read, and the fetcher."""
        await self.fetcher.close()
        if self.task is not None:
            self.task.cancel()
