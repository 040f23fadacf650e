"""Carries committed events from the outbox to the log, for as long as the worker runs.

One worker of all leads; the others stand by. Events with the same key are published one after the other, each
confirmed before the next is sent, so a partition holds an edge's versions in order; different keys go side by side.
A record is removed after its confirmation, so one may be published twice, by this leader or the next: versions and
ids make that harmless. It is read and removed on the leader's own session, which ends with its server: on another one,
promoted without the last commits, its id may be another event's. While the topics move to the next generation each
event goes to both, to the old one first, or waits (see ``stores.deployment``). Any failure ends the term of a leader,
because another's connections may be better.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from typing import Final, Protocol

from microblog_streams.aio.backoff import pauses
from microblog_streams.aio.service import Service
from microblog_streams.aio.tasks import cancel_all
from microblog_streams.domain.errors import Transient
from microblog_streams.domain.models import OutboxRecord
from microblog_streams.ports import EventLog

logger = logging.getLogger(__name__)

#: Records of one read. Their publishes run side by side, so this also bounds the sends in flight.
BATCH: Final = 500
#: Seconds between looks at the outbox without a notification, and between tries to become the leader.
POLL: Final = 1.0
#: Seconds between pings, and the age of the last one at which a leader stops: the server ends a silent session after
#: 5 s, so somebody else may lead from then on.
PING: Final = 1.0
LEASE: Final = 4.0
#: Seconds of the first and the longest pause after a failed term.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 2.0
#: Seconds that a stop waits for the batch in flight.
GRACE: Final = 5.0
#: Seconds between log lines about the same trouble.
QUIET: Final = 5.0


class LeaderSession(Protocol):
    """What the relay needs of ``stores.outbox_session``: a lead that lasts as long as the session."""

    async def open(self) -> None:
        """Connect and listen."""
        ...

    async def elect(self) -> bool:
        """Try to become the leader."""
        ...

    async def ping(self) -> None:
        """Keep the session; StoreUnavailable where it is lost."""
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
    """The session was silent for so long that somebody else may lead."""


class OutboxRelay(Service):
    """The relay of one worker."""

    #: Whether this worker is the one that publishes.
    leading = False

    def __init__(self, log: EventLog, session: Callable[[], LeaderSession]) -> None:
        """Take where records go, and how the leader's session is made, which has them."""
        super().__init__()
        self._log = log
        self._new_session = session
        self._pauses = _pauses()
        self._last_line = -QUIET
        self._last_ping = 0.0
        self._over = asyncio.Event()
        self._over.set()

    @Service.task
    async def _run(self) -> None:
        self._over.clear()
        try:
            while not self.should_stop:
                try:
                    await self._stand()
                except Exception as exc:
                    await self._wait_after(exc)
        finally:
            self._over.set()

    async def on_stop(self) -> None:
        """Let the batch in flight come to its end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await self._over.wait()

    async def _stand(self) -> None:
        """Stand for election until elected; lead until something fails."""
        session = self._new_session()
        try:
            await session.open()
            while not self.should_stop:
                self._last_ping = time.monotonic()
                if await session.elect():
                    await self._lead(session)
                else:
                    await self.sleep(POLL)
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
            await asyncio.sleep(PING)
            begun = time.monotonic()
            await session.ping()
            self._last_ping = begun

    async def _relay(self, session: LeaderSession) -> None:
        while not self.should_stop:
            if await self._relay_batch(session) < BATCH:
                await self.wait(session.woken(), timeout=POLL)

    async def _relay_batch(self, session: LeaderSession) -> int:
        """Publish the oldest records and remove those that were confirmed; return how many that may go there were."""
        records = [record for record in await session.head(BATCH) if record.generations]
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
            confirmed.append(record.id)

    def _check_lead(self) -> None:
        # A process that was frozen goes on here before it learns that its session is gone.
        silence = time.monotonic() - self._last_ping
        if silence > LEASE:
            raise LeadLost(f"no ping for {silence:.1f} s")

    async def _wait_after(self, exc: Exception) -> None:
        if time.monotonic() - self._last_line >= QUIET:
            self._last_line = time.monotonic()
            unexpected = None if isinstance(exc, Transient) else exc
            logger.warning("relay_waits reason=%s", exc, exc_info=unexpected)
        await self.sleep(next(self._pauses))
