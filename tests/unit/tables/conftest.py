"""The followers table on real RocksDB files in a folder of the test; its changelog is in memory."""

import asyncio
import gc
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import faust
import pytest
from faust.assignor.client_assignment import ClientAssignment
from faust.events import Event
from faust.streams import _current_event
from faust.types.tuples import TP, FutureMessage, Message, PendingMessage, RecordMetadata

import tables.followers
from microblog_streams.delivery.faust_patches.changelog import ConfirmedTable
from microblog_streams.delivery.lease import Heartbeat
from tables.followers import FollowersTable

CHANGELOG = "changelog"


@dataclass
class Changelog:
    """What Faust would send, with the futures that a test confirms or fails."""

    sent: list[tuple[int, bytes, bytes | None]] = field(default_factory=list)
    futures: list[FutureMessage] = field(default_factory=list)

    def send_soon(self, *, key, value, partition, callback, **options) -> FutureMessage:
        pending = PendingMessage(None, key, value, partition, None, None, None, None, callback)
        future = FutureMessage(pending)
        self.sent.append((partition, key, value))
        self.futures.append(future)
        return future

    def confirm(self, index: int = -1, offset: int = 10) -> None:
        """As the producer does when the broker answered."""
        partition = self.sent[index][0]
        future = self.futures[index]
        future.set_result(RecordMetadata(CHANGELOG, partition, TP(CHANGELOG, partition), offset, None, None))
        future.message.callback(future)

    def fail(self, index: int = -1) -> None:
        self.futures[index].set_exception(TimeoutError("not confirmed"))


@dataclass
class PageCache:
    """The table, its changelog, and the event that is being processed."""

    followers: FollowersTable
    changelog: Changelog
    app: faust.App

    @property
    def table(self) -> ConfirmedTable:
        return self.followers.table

    def open(self, *partitions: int) -> None:
        """As an assignment does."""
        self.assign(actives=partitions)
        for partition in partitions:
            self.table.data._db_for_partition(partition)

    def revoke(self, partition: int) -> None:
        """As an assignment without it does."""
        self.assign()
        self.table.databases.pop(partition)
        gc.collect()

    def assign(self, actives: Iterable[int] = (), standbys: Iterable[int] = ()) -> None:
        """Be given these partitions of the changelog, and no others."""
        self.app.assignor._assignment = ClientAssignment(
            actives={CHANGELOG: list(actives)}, standbys={CHANGELOG: list(standbys)}
        )

    def process(self, partition: int, offset: int, generation: int = 1) -> Message:
        """Make an event of the partition the current one."""
        message = Message(
            "user.follow", partition, offset, 0.0, 0, None, b"", b"", None, None, None,
            TP("user.follow", partition), generation_id=generation,
        )  # fmt: skip
        self.event = Event(self.app, b"", b"", None, message)
        _current_event.set(lambda: self.event)
        return message


@pytest.fixture
async def shelf(tmp_path):
    app = faust.App(
        "tables-test",
        store="rocksdb://",
        datadir=tmp_path,
        topic_partitions=4,
        Table=ConfirmedTable,
        broker="kafka://127.0.0.1:1",
    )
    app.consumer_generation_id = 1
    app.heartbeat = Heartbeat(session=10.0, answered_at=math.inf)
    followers = tables.followers.register(app)
    app.finalize()
    app._create_directories()
    shelf = PageCache(followers, Changelog(), app)
    shelf.table._changelog_topic = shelf.changelog
    shelf.table._verified_source_topics_for_partitions.add("user.follow")
    yield shelf
    for future in shelf.changelog.futures:
        if future.done():
            future.exception()
    shelf.table.databases.clear()
    gc.collect()
    await asyncio.sleep(0)
