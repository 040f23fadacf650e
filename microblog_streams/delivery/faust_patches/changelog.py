"""Fixes of table writes and changelogs (faust-streaming 0.15.3).

**The confirmation of a table write is dropped.** ``Table.on_key_set`` throws away the future of its changelog record,
so an event can be acknowledged and committed before its row is anywhere but on this worker's disk. Here the futures are
kept by the event that wrote, and ``deliver`` awaits them before the acknowledgement. A record that was not confirmed is
sent again with the row's present value, so that the changelog's last record of a key is the table's. Records that may
have come after those of the partition's next owner go to ``stale_rows``.

**The database of a revoked partition is opened again.** ``Table._on_changelog_sent`` stores the offset in the
partition's database and re-opens it where it was revoked; a re-opened one keeps RocksDB's lock and crashes the worker
at the next assignment. Where the partition is a standby's, that offset lies behind records that the standby has not
applied, and the next owner misses them. ``apply_changelog_batch`` opens the database of a partition that was revoked
while its records waited in a buffer. Here both check first what is assigned (``ChangelogAssignment``). Upstream: issue
91 (closed) had the same effect with another cause; the others were not found.

**A late confirmation makes a recovery skip rows.** A worker that was cut off from Kafka sends its waiting records as
soon as it is back, behind those that the partition's next owner has written meanwhile. Their confirmation moved the
offset in the database over rows that this worker does not have; where the partition came back to it, the recovery began
behind them, and an unfollow that the other worker had applied was unknown. Here a confirmation moves the offset only
while the lease under which its event was read is certain: no other worker has written before it then. Upstream: not
found.

**The changelog is decoded with the wrong serializers.** They are those of the table's declaration (JSON, before ours
are set), though recovery applies bytes: no record could be read, and the worker was never ready. Here they are raw
bytes.

**A full disk is an exception of no particular class.** RocksDB's error text is the only sign of it. Here it becomes
StoreUnavailable, which is retried for as long as it takes. The changelog may have the row by then and the disk not: the
event is not acknowledged, and writes the row again.

**A record that is read again replaces a newer row.** A changelog that Kafka has shortened is read from its beginning
(``recovery`` says when), and may lack the last records of rows that this worker's folder has. Here a record of such a
changelog is left out where its row is older than the one in the table.
"""

import asyncio
import errno
import logging
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, cast
from weakref import WeakKeyDictionary

from faust.streams import current_event
from faust.tables.table import Table
from faust.types import AppT, EventT, TopicT
from faust.types.tuples import TP, FutureMessage, Message
from rocksdict import Rdict

from microblog_streams.delivery.lease import Heartbeat, Membership, PartitionLease
from microblog_streams.delivery.stale_changelog_rows import StaleChangelogRows
from microblog_streams.domain.errors import NotMine, StoreUnavailable

logger = logging.getLogger(__name__)

_FULL: Final = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))


@contextmanager
def disk_full_is_unavailable() -> Iterator[None]:
    """Raise StoreUnavailable where RocksDB finds no room on the disk."""
    try:
        yield
    except Exception as exc:
        if any(text in str(exc) for text in _FULL):
            raise StoreUnavailable("disk", exc) from exc
        raise


class ChangelogAssignment:
    """What the group's assignor gave to this worker, looked up once an assignment: records are many."""

    def __init__(self, app: AppT) -> None:
        """Nothing is held before the first assignment."""
        self._app = app
        self._seen: object = None
        self._owned: frozenset[TP] = frozenset()
        self._held: frozenset[TP] = frozenset()

    def owned(self) -> frozenset[TP]:
        """Return the partitions whose rows are written here."""
        self._refresh()
        return self._owned

    def held(self) -> frozenset[TP]:
        """Return those and the ones of which this worker keeps a warm copy."""
        self._refresh()
        return self._held

    def _refresh(self) -> None:
        # By the assignment itself, not by the generation's number: that begins anew with a group that Kafka has lost.
        assignor = cast(Any, self._app.assignor)
        if (assignment := assignor._assignment) is not self._seen:
            self._owned = frozenset(assignor.assigned_actives())
            self._held = self._owned | assignor.assigned_standbys()
            self._seen = assignment


#: Seconds to wait for a changelog record's confirmation, before asking whether to go on.
CONFIRM_SECONDS = 10.0
#: Changelog records that wait to be applied in a recovery: Faust's own number.
MAX_RECOVERY_RECORDS = 131_072


class Application(Membership, Protocol):
    """What the table needs of the application besides Faust's own."""

    heartbeat: Heartbeat


class Writer(NamedTuple):
    """The event that wrote rows: read again in another generation, it writes them again."""

    tp: TP
    offset: int
    generation: int | None


def _writer(message: Message) -> Writer:
    return Writer(message.tp, message.offset, message.generation_id)


async def _ended(records: Iterable[FutureMessage]) -> bool:
    """Wait until the records are confirmed or given up; False where that takes too long."""
    under_way = [record for record in records if not record.done()]
    if not under_way:
        return True  # most are by now, and to wait for them all the same would take as long as to send one
    _, late = await asyncio.wait(under_way, timeout=CONFIRM_SECONDS)
    return not late


def _never(_value: bytes, _other: bytes) -> bool:
    return False


class ConfirmedTable(Table):  # type: ignore[type-arg]
    """A table whose writes can be waited for (setting ``Table``)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take Faust's arguments."""
        super().__init__(*args, **kwargs)
        #: Partitions of the changelog that have lost their last records.
        self.shortened: set[TP] = set()
        #: Whether the first of two values of a row is older than the second.
        self.is_older: Callable[[bytes, bytes], bool] = _never
        self._unconfirmed: dict[Writer, dict[bytes, FutureMessage]] = defaultdict(dict)
        #: The events that wrote the records on their way.
        self._events: WeakKeyDictionary[FutureMessage, Message] = WeakKeyDictionary()
        self._changelog_assignment = ChangelogAssignment(self.app)
        app = cast(Application, self.app)
        self._lease: Callable[[Message], PartitionLease] = partial(PartitionLease, app, app.heartbeat)
        self.stale_rows = StaleChangelogRows(self._lease)

    def send_changelog(self, partition: int | None, key: Any, value: Any, *args: Any, **kwargs: Any) -> FutureMessage:
        """Send a changelog record, and keep its future for the event that is being processed."""
        future = super().send_changelog(partition, key, value, *args, **kwargs)
        event = current_event()
        if event is not None:
            self._unconfirmed[_writer(event.message)][key] = future
            self._watch(event.message, key, future)
        return future

    def _watch(self, message: Message, key: bytes, record: FutureMessage) -> None:
        self._events[record] = message
        self.stale_rows.watch(message, key, record)

    def _new_changelog_topic(self, **options: Any) -> TopicT:
        """Read the changelog as the bytes it is and recovery applies, and not with the serializers of the rows."""
        return self.app.topic(
            self._changelog_topic_name(),
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            partitions=self.partitions,
            compacting=True,
            acks=False,
            internal=True,
            maxsize=MAX_RECOVERY_RECORDS,
            allow_empty=True,
        )

    async def confirm(self, message: Message) -> None:
        """Return when all rows that this message's event wrote are in the changelog.

        Raises StoreUnavailable where some are not yet, NotMine where they cannot be sent from here any more.
        """
        writes = self._unconfirmed.get(_writer(message))
        if not writes:
            return
        if not await _ended(writes.values()):
            raise StoreUnavailable("kafka", f"no confirmation of the changelog of {self.name} yet")
        failed = [(key, future) for key, future in writes.items() if future.exception() is not None]
        for key, future in failed:
            logger.warning("changelog_sent_again table=%s reason=%r", self.name, future.exception())
            row = self.database(message.partition).get(key)
            writes[key] = super().send_changelog(message.partition, key, row)
            self._watch(message, key, writes[key])
        if failed:
            raise StoreUnavailable("kafka", f"{len(failed)} rows of {self.name} were sent to the changelog again")
        self.stale_rows.confirmed(writes)
        self._unconfirmed.pop(_writer(message), None)

    async def on_partitions_assigned(self, *args: Any, **kwargs: Any) -> None:
        """Drop what is kept for events of earlier generations: they are read, and their rows written, again."""
        self.stale_rows.end_generation()
        generation = self.app.consumer_generation_id
        for writer in [writer for writer in self._unconfirmed if writer.generation != generation]:
            del self._unconfirmed[writer]

    def database(self, partition: int) -> Rdict:
        """Return a partition's database. Raises NotMine where it is not open: it is never opened here."""
        database: Rdict | None = self.databases.get(partition)
        if database is None:
            raise NotMine(f"partition {partition} of the table {self.name} is not open here")
        return database

    @property
    def databases(self) -> dict[int, Any]:
        """The open databases by partition (rocksdict). A partition that is not in here is not this worker's."""
        databases: dict[int, Any] = cast(Any, self.data)._dbs
        return databases

    def _on_changelog_sent(self, fut: FutureMessage) -> None:
        if fut.exception() is None and self._is_certain(fut):
            # Without room the offset stays as it was: a recovery reads some records again.
            with suppress(StoreUnavailable), disk_full_is_unavailable():
                super()._on_changelog_sent(fut)

    def _is_certain(self, record: FutureMessage) -> bool:
        """Return whether no other worker can have written into the changelog's partition before this record."""
        message = self._events.pop(record, None)
        if message is None or record.result().topic_partition not in self._changelog_assignment.owned():
            return False
        with suppress(NotMine):
            self._lease(message).check()
            return True
        return False

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """Apply records in a recovery, and as a standby: those of partitions that are held, and no others."""
        held = self._changelog_assignment.held()
        events = [event for event in batch if event.message.tp in held]
        super().apply_changelog_batch([event for event in events if not self._is_outdated(event.message)])

    def _is_outdated(self, record: Message) -> bool:
        if record.tp not in self.shortened or record.value is None:
            return False
        row = cast(Any, self.data)._db_for_partition(record.partition).get(record.key)
        return row is not None and self.is_older(record.value, row)
