"""The outbox: events that PostgreSQL commits together with the change that they tell of.

Ids are given out before the commit, so a record may appear below one that was published already. Nothing is lost by
that: the relay reads from the start and removes by id. Nor is the order that matters: the changes of one edge, and
the deletion of a user and what follows it, wait for each other's row locks before they take their ids.

The relay's own session: it stands for election with it, is woken by it, reads the outbox and removes from it.

All of that on one session, because a record's id means something on the server that it was read from alone. The lead is
a session advisory lock, so PostgreSQL gives it to the next one as soon as the leader's session ends. A leader that
froze would keep its session: so the session must ping, and the server ends one that was silent for 5 s.
"""

import asyncio
import json
from collections.abc import Collection, Sequence
from typing import Final

from microblog_streams.domain import topics
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.events import HEADERS, EdgeChanged, Event
from microblog_streams.domain.models import Edge, OutboxRecord
from microblog_streams.stores.postgres.connection import Lock, Postgres
from microblog_streams.stores.postgres.deployment import COLUMNS, read
from microblog_streams.stores.postgres.session import NAME, Session

#: Events that one statement adds. Encoding and quoting them blocks the event loop, some 15 us each.
_CHUNK: Final = 250

_APPEND: Final = """
INSERT INTO outbox (topic, key, value, headers)
SELECT topic, key, value, %s::jsonb
  FROM unnest(%s::text[], %s::bytea[], %s::text[]) WITH ORDINALITY AS event (topic, key, value, position)
 ORDER BY position
"""
# One statement, hence one look at the database: an event that is still read with the old phase of a move was committed
# before the next phase, so whoever copies the edges in that phase finds its change.
_HEAD: Final = f"""
SELECT id, topic, key, value, headers, {COLUMNS}
  FROM outbox CROSS JOIN deployment ORDER BY id LIMIT %s
"""  # noqa: S608
_REMOVE: Final = "DELETE FROM outbox WHERE id = ANY(%s::bigint[])"
_NEWEST: Final = "SELECT coalesce(max(id), 0) FROM outbox"
_OLDEST: Final = "SELECT min(id) FROM outbox"
# The oldest by id: ages are told in seconds, and ids are taken seconds apart only where a transaction takes as long.
_AGE: Final = "SELECT extract(epoch FROM clock_timestamp() - created_at) FROM outbox ORDER BY id LIMIT 1"
_COUNT: Final = "SELECT count(*) FROM (SELECT FROM outbox LIMIT %s) AS waiting"


def edge_event(edge: Edge, restate: bool = False) -> tuple[str, EdgeChanged]:
    """Return the topic and the event that tell of an edge's last change; ``restate``: the row alone, no effect."""
    event = EdgeChanged(
        follower_id=edge.follower,
        followee_id=edge.followee,
        version=edge.version,
        at=edge.changed_at,
        restate=restate,
    )
    return topics.USER_FOLLOW if edge.following else topics.USER_UNFOLLOW, event


async def append(session: Session, events: Sequence[tuple[str, Event]]) -> None:
    """Add events, with their topics, in order. To be called within the transaction of the change."""
    for start in range(0, len(events), _CHUNK):
        chunk = events[start : start + _CHUNK]
        await session.execute(
            _APPEND,
            json.dumps(HEADERS),
            [topic for topic, _ in chunk],
            [event.key for _, event in chunk],
            [event.encode().decode() for _, event in chunk],
        )


async def head(session: Session, limit: int) -> Sequence[OutboxRecord]:
    """Return the oldest records, by id."""
    rows = await session.fetch(_HEAD, limit)
    return [
        OutboxRecord(ident, topic, bytes(key), value.encode(), headers, read(tuple(deployment)).edges_go_to)
        for ident, topic, key, value, headers, *deployment in rows
    ]


async def remove(session: Session, ids: Collection[int]) -> None:
    """Delete records that the broker has confirmed, on the session that read them.

    Another session may be on another server by now: a standby that was promoted without its last commits gives the same
    ids to other events.
    """
    await session.execute(_REMOVE, list(ids))


class Outbox:
    """How much waits in the outbox."""

    def __init__(self, postgres: Postgres) -> None:
        """Take the connection."""
        self._postgres = postgres

    async def count(self, limit: int = 100_000) -> int:
        """Return how many records wait, counted up to ``limit``."""
        ((count,),) = await self._postgres.fetch(_COUNT, limit)
        return int(count)

    async def newest(self) -> int:
        """Return the id of the newest record that waits, 0 where none does."""
        ((ident,),) = await self._postgres.fetch(_NEWEST)
        return int(ident)

    async def oldest(self) -> int | None:
        """Return the id of the oldest record that waits, None where none does."""
        ((ident,),) = await self._postgres.fetch(_OLDEST)
        return None if ident is None else int(ident)

    async def age(self) -> float | None:
        """Return the age in seconds of the oldest record that waits, None where none does."""
        rows = await self._postgres.fetch(_AGE)
        return max(0.0, float(rows[0][0])) if rows else None


#: Seconds of silence after which the server ends the session, and the lead with it.
SILENCE: Final = 5.0


class OutboxSession:
    """A session outside the pool. Its owner calls ``ping`` more often than every ``SILENCE`` seconds."""

    def __init__(self, postgres: Postgres) -> None:
        """Take the connection; open nothing."""
        self._postgres = postgres
        self._session: Session | None = None
        #: A session takes one statement at a time, and pings go on beside the relay's own.
        self._turn = asyncio.Lock()

    @property
    def _open(self) -> Session:
        if self._session is None:
            raise StoreUnavailable(NAME, "the relay's session is not open")
        return self._session

    async def open(self) -> None:
        """Connect, and listen for new records."""
        self._session = await self._postgres.open()
        await self._session.execute("SELECT set_config('idle_session_timeout', %s, false)", str(int(SILENCE * 1000)))
        await self._session.execute("LISTEN outbox")

    async def elect(self) -> bool:
        """Try to become the leader; True until the session ends."""
        row = await self._open.fetch_one("SELECT pg_try_advisory_lock(%s)", int(Lock.RELAY))
        return row == (True,)

    async def ping(self) -> None:
        """Show the server that this process is alive, and see that the server is."""
        async with self._turn:
            await self._open.fetch_one("SELECT 1")

    async def head(self, limit: int) -> Sequence[OutboxRecord]:
        """Return the oldest records of the outbox, by id."""
        async with self._turn:
            return await head(self._open, limit)

    async def remove(self, ids: Collection[int]) -> None:
        """Delete records that the broker has confirmed: of those that this session read."""
        async with self._turn:
            await remove(self._open, ids)

    async def woken(self) -> None:
        """Return when records were committed."""
        await self._open.notified()

    async def close(self) -> None:
        """End the session, and the lead with it."""
        if self._session is not None:
            self._session.close()
            self._session = None
