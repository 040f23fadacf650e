"""The relay publishes the events of the outbox, for as long as the worker runs.

One worker is the leader; the others stand by. Events of the same key are published in sequence, each confirmed before
the next is sent, so a partition holds an edge's versions in order; different keys are published concurrently. A record
is removed after its confirmation, so one may be published twice, by this leader or the next: versions and ids make that
harmless. Records are read and removed in the leader's own session, which ends with its server: in another session, on a
server that was promoted without the last commits, the same id may be another event's. During a repartition an event
goes to both topic sets, to the old one first, or waits (see ``domain.deployment``). After any failure the leader
resigns, because another worker may have better connections.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from typing import Final, Protocol

from microblog_streams.aio.failures import pauses
from microblog_streams.aio.tasks import Service, cancel_all
from microblog_streams.domain.errors import Transient
from microblog_streams.domain.models import OutboxRecord
from microblog_streams.logs.context import REQUEST_ID_HEADER
from microblog_streams.ports import EventLog

logger = logging.getLogger(__name__)

#: Records of one read. Their publishes run side by side, so this also bounds the sends in flight.
BATCH_RECORDS: Final = 500
#: Seconds between two reads of the outbox without a notification, and between tries to become the leader.
POLL_SECONDS: Final = 1.0
#: Seconds between pings, and the age of the last one at which a leader stops: the server ends a silent session after
#: 5 s, so another worker may lead from then on.
PING_SECONDS: Final = 1.0
LEASE_SECONDS: Final = 4.0
#: Seconds of the first and the longest pause after a failed term.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 2.0
#: Seconds that a stop waits for the batch in flight.
STOP_SECONDS: Final = 5.0


class LeaderSession(Protocol):
    """A session in PostgreSQL that leads for as long as it lives; ``stores.postgres.outbox`` implements it."""

    async def open(self) -> None:
        """Connect."""
        ...

    async def elect(self) -> bool:
        """Try to become the leader, which listens for new records."""
        ...

    async def ping(self) -> None:
        """Keep the session alive. Raises StoreUnavailable where it is lost."""
        ...

    async def head(self, limit: int) -> Sequence[OutboxRecord]:
        """Return the oldest records, by id."""
        ...

    async def remove(self, ids: Collection[int]) -> None:
        """Delete records that this session read and the broker has confirmed."""
        ...

    async def woken(self) -> None:
        """Return when records were committed."""
        ...

    async def close(self) -> None:
        """End the session and the lead."""
        ...


def _pauses() -> Iterator[float]:
    return pauses(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)


class LeadLost(Transient):
    """The session was silent for so long that another worker may lead."""


class OutboxRelay(Service):
    """The relay of one worker."""

    #: Whether this worker is the one that publishes.
    leading = False

    def __init__(self, log: EventLog, session: Callable[[], LeaderSession]) -> None:
        """``session`` makes the session from which the leader reads the outbox."""
        super().__init__()
        self._log = log
        self._new_session = session
        self._pauses = _pauses()
        self._last_ping = 0.0
        self._over = asyncio.Event()
        self._over.set()

    @Service.task
    async def _run(self) -> None:
        self._over.clear()
        try:
            while not self.should_stop:
                try:
                    await self._run_for_election()
                except Exception as exc:
                    await self._wait_after(exc)
        finally:
            self._over.set()

    async def on_stop(self) -> None:
        """Wait for the batch in flight."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self._over.wait()

    async def _run_for_election(self) -> None:
        """Stand for election until elected; lead until something fails."""
        session = self._new_session()
        try:
            await session.open()
            while not self.should_stop:
                self._last_ping = time.monotonic()
                if await session.elect():
                    await self._lead(session)
                else:
                    await self.sleep(POLL_SECONDS)
        finally:
            await session.close()

    async def _lead(self, session: LeaderSession) -> None:
        self.leading = True
        logger.info("relay_leads")
        keeping = asyncio.create_task(self._keep(session))
        relaying = asyncio.create_task(self._relay(session))
        try:
            await asyncio.wait({keeping, relaying}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.leading = False
            await cancel_all((keeping, relaying))
        for task in (keeping, relaying):
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def _keep(self, session: LeaderSession) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            begun = time.monotonic()
            await session.ping()
            self._last_ping = begun

    async def _relay(self, session: LeaderSession) -> None:
        while not self.should_stop:
            if await self._relay_batch(session) < BATCH_RECORDS:
                await self.wait(session.woken(), timeout=POLL_SECONDS)

    async def _relay_batch(self, session: LeaderSession) -> int:
        """Publish the oldest records and remove those that were confirmed; return how many may be published."""
        records = [record for record in await session.head(BATCH_RECORDS) if record.generations]
        chains: dict[bytes, list[OutboxRecord]] = defaultdict(list)
        for record in records:
            chains[record.key].append(record)
        confirmed: list[int] = []
        outcomes = await asyncio.gather(
            *(self._publish(chain, confirmed) for chain in chains.values()), return_exceptions=True
        )
        if confirmed:
            await session.remove(confirmed)
            self._pauses = _pauses()
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return len(records)

    async def _publish(self, chain: Sequence[OutboxRecord], confirmed: list[int]) -> None:
        for record in chain:
            for generation in record.generations:
                self._check_lead()
                await self._log.publish(record.topic, record.key, record.value, record.headers, generation)
                if logger.isEnabledFor(logging.DEBUG):
                    origin = record.headers.get(REQUEST_ID_HEADER, "")
                    logger.debug("event_published topic=%s request_id=%s outbox_id=%d", record.topic, origin, record.id)
            confirmed.append(record.id)

    def _check_lead(self) -> None:
        # A frozen process continues here before it learns that its session is lost.
        silence = time.monotonic() - self._last_ping
        if silence > LEASE_SECONDS:
            raise LeadLost(f"no ping for {silence:.1f} s")

    async def _wait_after(self, exc: Exception) -> None:
        unexpected = None if isinstance(exc, Transient) else exc
        logger.warning("relay_waits reason=%s", exc, exc_info=unexpected)
        await self.sleep(next(self._pauses))
