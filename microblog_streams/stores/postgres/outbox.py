"""The outbox: events that PostgreSQL commits together with their change, and the relay's session, which takes them out.

Ids are assigned before the commit, so a record may appear below one that was already published. No record is lost: the
relay reads from the lowest id and deletes by id. The order that matters is kept: changes of one edge, and the deletion
of a user and what follows it, wait for each other's row locks before they get their ids.

The relay elects a leader, is notified, reads and deletes on one session, because a record's id is valid only on the
server that it was read from. The lead is a session advisory lock, so PostgreSQL passes it on as soon as the leader's
session ends. The session of a frozen leader would stay open: so the session must ping, and the server ends one that is
silent for ``SILENCE_SECONDS``.
"""

import asyncio
import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from microblog_streams.domain import topics
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.events import EdgeChanged, Event, Followed
from microblog_streams.domain.models import Edge, OutboxRecord
from microblog_streams.logs.context import event_headers
from microblog_streams.stores.postgres.connection import Lock, Postgres
from microblog_streams.stores.postgres.deployment import COLUMNS, read
from microblog_streams.stores.postgres.session import NAME, Session

#: Events of one INSERT. Encoding and quoting blocks the event loop, some 15 us for each.
_EVENTS_PER_INSERT: Final = 250

_APPEND: Final = """
INSERT INTO outbox (topic, key, value, headers)
SELECT topic, key, value, %s::jsonb
  FROM unnest(%s::text[], %s::bytea[], %s::text[]) WITH ORDINALITY AS event (topic, key, value, position)
 ORDER BY position
"""
# One statement, hence one snapshot: an event that is read with the old phase of a repartition was committed before the
# next phase, so the copy of the edges in that phase includes its change.
_HEAD: Final = f"""
SELECT id, topic, key, value, headers, {COLUMNS}
  FROM outbox CROSS JOIN deployment ORDER BY id LIMIT %s
"""  # noqa: S608
_REMOVE: Final = "DELETE FROM outbox WHERE id = ANY(%s::bigint[])"
_NEWEST: Final = "SELECT coalesce(max(id), 0) FROM outbox"
_OLDEST: Final = "SELECT min(id) FROM outbox"
# The lowest id, which is the oldest to within the duration of a transaction.
_AGE: Final = "SELECT extract(epoch FROM clock_timestamp() - created_at) FROM outbox ORDER BY id LIMIT 1"
_COUNT: Final = "SELECT count(*) FROM (SELECT FROM outbox LIMIT %s) AS waiting"


def edge_event(edge: Edge, restate: bool = False) -> tuple[str, EdgeChanged]:
    """Return topic and event of an edge's last change; ``restate``: the event changes rows only, without effects."""
    event = EdgeChanged(
        follower_id=edge.follower,
        followee_id=edge.followee,
        version=edge.version,
        at=edge.changed_at,
        restate=restate,
    )
    return topics.USER_FOLLOW if edge.following else topics.USER_UNFOLLOW, event


def followed_event(follower: int, followee: int, at: datetime) -> tuple[bytes, str, str]:
    """Return key and value of a follow's event, in two parts: PostgreSQL puts the version between them, as digits."""
    event = Followed(follower_id=follower, followee_id=followee, version=1, at=at)
    # The value has no free text, so the name of a field is there once.
    before, name, after = event.encode().decode().partition('"version":')
    return event.key, before + name, after.removeprefix("1")


async def append(session: Session, events: Sequence[tuple[str, Event]]) -> None:
    """Add events, with their topics, in order, within the transaction of their change."""
    for start in range(0, len(events), _EVENTS_PER_INSERT):
        chunk = events[start : start + _EVENTS_PER_INSERT]
        await session.execute(
            _APPEND,
            json.dumps(event_headers()),
            [topic for topic, _ in chunk],
            [event.key for _, event in chunk],
            [event.encode().decode() for _, event in chunk],
        )


async def head(session: Session, limit: int) -> Sequence[OutboxRecord]:
    """Return the records with the lowest ids, in order."""
    rows = await session.fetch(_HEAD, limit)
    return [
        OutboxRecord(ident, topic, bytes(key), value.encode(), headers, read(tuple(deployment)).edges_go_to)
        for ident, topic, key, value, headers, *deployment in rows
    ]


async def remove(session: Session, ids: Collection[int]) -> None:
    """Delete confirmed records, on the session that read them.

    Another session may lead to another server: a standby that was promoted without the last commits assigns the same
    ids to other events.
    """
    await session.execute(_REMOVE, list(ids))


class Outbox:
    """The ``Outbox``: the number and age of the records."""

    def __init__(self, postgres: Postgres) -> None:
        """Use the pool of ``postgres``."""
        self._postgres = postgres

    async def count(self, limit: int = 100_000) -> int:
        """Return the number of records, counted up to ``limit``."""
        ((count,),) = await self._postgres.fetch(_COUNT, limit)
        return int(count)

    async def newest(self) -> int:
        """Return the highest record id, 0 if the outbox is empty."""
        ((ident,),) = await self._postgres.fetch(_NEWEST)
        return int(ident)

    async def oldest(self) -> int | None:
        """Return the lowest record id, None if the outbox is empty."""
        ((ident,),) = await self._postgres.fetch(_OLDEST)
        return None if ident is None else int(ident)

    async def age(self) -> float | None:
        """Return the age of the oldest record in seconds, None if the outbox is empty."""
        rows = await self._postgres.fetch(_AGE)
        return max(0.0, float(rows[0][0])) if rows else None


#: Idle time after which the server ends the session, and the lead with it.
SILENCE_SECONDS: Final = 5.0


class OutboxSession:
    """The relay's session, outside the pool. Its owner calls ``ping`` at shorter intervals than ``SILENCE_SECONDS``."""

    def __init__(self, postgres: Postgres) -> None:
        """Open nothing yet."""
        self._postgres = postgres
        self._session: Session | None = None
        #: Serializes statements: pings run concurrently with the relay's own.
        self._turn = asyncio.Lock()

    @property
    def _open(self) -> Session:
        if self._session is None:
            raise StoreUnavailable(NAME, "the relay's session is not open")
        return self._session

    async def open(self) -> None:
        """Connect."""
        self._session = await self._postgres.open()
        await self._session.execute(
            "SELECT set_config('idle_session_timeout', %s, false)", str(int(SILENCE_SECONDS * 1000))
        )

    async def elect(self) -> bool:
        """Try to become the leader, until the session ends; return whether it succeeded.

        Only the leader listens for new records: the driver keeps each notification until ``woken`` takes it, which a
        standby never calls.
        """
        row = await self._open.fetch_one("SELECT pg_try_advisory_lock(%s)", int(Lock.RELAY))
        if row != (True,):
            return False
        await self._open.execute("LISTEN outbox")
        return True

    async def ping(self) -> None:
        """Make a round trip, which resets the server's idle time-out."""
        async with self._turn:
            await self._open.fetch_one("SELECT 1")

    async def head(self, limit: int) -> Sequence[OutboxRecord]:
        """Return the records with the lowest ids, in order."""
        async with self._turn:
            return await head(self._open, limit)

    async def remove(self, ids: Collection[int]) -> None:
        """Delete confirmed records that this session has read."""
        async with self._turn:
            await remove(self._open, ids)

    async def woken(self) -> None:
        """Wait until new records are committed."""
        await self._open.notified()

    async def close(self) -> None:
        """End the session, and the lead with it."""
        if self._session is not None:
            self._session.close()
            self._session = None
