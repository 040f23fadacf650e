"""Mend: a table write's confirmation is dropped (faust-streaming 0.15.3).

``Table.on_key_set`` throws the future of its changelog record away, so an event can be acknowledged and committed
before the row it wrote is anywhere but on this worker's disk. Here the futures are kept by the event that wrote, and
``deliver`` waits for them before the acknowledgement. A record that was not confirmed is sent again with the row as it
is by then, so that the changelog's last word on a key is the table's. Records that may have come after those of the
partition's next owner are told to ``doubts``.

``Table._on_changelog_sent`` stores the offset in the partition's database and re-opens that database where it was
revoked meanwhile; a re-opened one keeps RocksDB's lock and crashes the worker at the next assignment. Where the
partition is a standby's by now, the offset is that of a record behind others which the standby has not applied yet:
who takes over from there misses them. ``apply_changelog_batch``, in turn, opens the database of a partition that was
revoked while its records waited in a buffer. Here both look first at what the worker has (``holdings``). Upstream:
issue 91 (closed) was the same with another way in; the others were not found there.

The changelog's records are decoded by what the table's serializers were when it was declared (JSON, before ours are
set), though recovery applies bytes: none could be read, and the worker was never ready. Here they are bytes throughout.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, cast

from faust.streams import current_event
from faust.tables.table import Table
from faust.types import EventT, TopicT
from faust.types.tuples import TP, FutureMessage, Message
from rocksdict import Rdict

from microblog_streams.delivery.disk_full import room
from microblog_streams.delivery.faust_patches.assignment import ChangelogAssignment
from microblog_streams.delivery.lease import Heartbeat, Membership, PartitionLease
from microblog_streams.delivery.stale_changelog_rows import StaleChangelogRows
from microblog_streams.domain.errors import NotMine, StoreUnavailable

logger = logging.getLogger(__name__)

#: Seconds to wait for a changelog record's confirmation, before asking whether to go on.
CONFIRMATION = 10.0
#: Changelog records that wait to be applied in a recovery: Faust's own number.
RECOVERING = 131_072


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
    _, late = await asyncio.wait(under_way, timeout=CONFIRMATION)
    return not late


class ConfirmedTable(Table):  # type: ignore[type-arg]
    """A table whose writes can be waited for (setting ``Table``)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take Faust's arguments."""
        super().__init__(*args, **kwargs)
        self._unconfirmed: dict[Writer, dict[bytes, FutureMessage]] = defaultdict(dict)
        self._holdings = ChangelogAssignment(self.app)
        app = cast(Application, self.app)
        self.stale_rows = StaleChangelogRows(lambda message: PartitionLease(app, app.heartbeat, message))

    def send_changelog(self, partition: int | None, key: Any, value: Any, *args: Any, **kwargs: Any) -> FutureMessage:
        """Send a changelog record, and keep its future for the event that is being processed."""
        future = super().send_changelog(partition, key, value, *args, **kwargs)
        event = current_event()
        if event is not None:
            self._unconfirmed[_writer(event.message)][key] = future
            self.stale_rows.watch(event.message, key, future)
        return future

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
            maxsize=RECOVERING,
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
            self.stale_rows.watch(message, key, writes[key])
        if failed:
            raise StoreUnavailable("kafka", f"{len(failed)} rows of {self.name} were sent to the changelog again")
        self.stale_rows.confirmed(writes)
        self._unconfirmed.pop(_writer(message), None)

    async def forget(self, *args: Any, **kwargs: Any) -> None:
        """Drop what is kept for events of earlier generations: they are read, and their rows written, again."""
        self.stale_rows.over()
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
        if fut.exception() is None and fut.result().topic_partition in self._holdings.owned():
            # Without room the offset stays as it was: a recovery reads some records again.
            with suppress(StoreUnavailable), room():
                super()._on_changelog_sent(fut)

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """Apply records in a recovery, and as a standby: those of partitions that are held, and no others."""
        held = self._holdings.held()
        super().apply_changelog_batch([event for event in batch if event.message.tp in held])
