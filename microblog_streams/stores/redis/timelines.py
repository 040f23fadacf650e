"""Home timelines in Redis: their keys, marks, limits and deadlines.

A timeline is a Redis list, newest entry first; `timelines.lua` describes its elements. **It holds everything that its
owner and the owner's followees wrote, down to its tail**: all rules here and in the Lua functions keep this invariant.
A list, because it packs 24-byte entries: a fifth of a sorted set's memory, at twice the pushes a second.
"""

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from microblog_streams.aio.batcher import Batcher
from microblog_streams.aio.priority_semaphore import PrioritySemaphore
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import ENTRY_BYTES, encode_user, new_post_id
from microblog_streams.ports import Building, Check, TimelinePage, TimelineState
from microblog_streams.stores.redis.connection import CallKeys, Redis
from microblog_streams.stores.redis.functions import RedisFunctions, Reply
from microblog_streams.stores.redis.run_monitor import RunMonitor
from microblog_streams.stores.redis.timeline_keys import ClusterKeys, SingleServerKeys, TimelineKeys

#: Entries that a timeline keeps: 40 pages of 20 in 21 KB. Older pages come from the post store. A merge must bring so
#: many of an author's posts or all of them; fewer would leave a hole below the last.
KEPT_ENTRIES: Final = 800
#: A timeline may exceed that by a tenth, so that a full one is trimmed at every 80th push and not at each.
SLACK_DIVISOR: Final = 10
#: Timelines of one push call: it occupies the server for 1 to 2 ms, during which reads of other timelines wait. Smaller
#: calls cost the client more; larger ones delay reads longer and push hardly faster.
TIMELINES_PER_CALL: Final = 500
#: A push to at most so many timelines goes into a pipeline with others: an author's own, for which the author waits,
#: and small fan-outs.
FEW_TIMELINES: Final = 32
#: Concurrent push calls of a worker: enough that the server never waits for the client. More would queue in the server,
#: ahead of reads.
MAX_PUSH_CALLS: Final = 4
#: A timeline expires so long after its last read (to within a day): 30 days.
UNREAD_MS: Final = 30 * 24 * 3600 * 1000

_COMPLETE: Final = b"E"
#: A building mark is B, a token and a counter: one byte longer than an entry, so that the length identifies it.
_BUILDING: Final = b"B"
_TOKEN_BYTES: Final = 16
_BY_TAIL: Final = {
    len(_COMPLETE): TimelineState.COMPLETE,
    ENTRY_BYTES: TimelineState.PARTIAL,
    ENTRY_BYTES + 1: TimelineState.BUILDING,
}


def key(user: int) -> bytes:
    """Return the key of a user's timeline on a single server."""
    return SingleServerKeys().of(user)


def keys(redis: Redis) -> TimelineKeys:
    """Return the naming of timelines in this Redis."""
    return ClusterKeys() if redis.clustered else SingleServerKeys()


def functions(redis: Redis) -> RedisFunctions:
    """Return the functions of ``timelines.lua``."""
    return RedisFunctions(redis, Path(__file__).with_suffix(".lua"), "timeline")


def state_of(tail: int) -> TimelineState:
    """Return the state of a list by the length of its last element, in bytes."""
    return _BY_TAIL[tail]


@dataclass
class PushCounts:
    """Timelines to which a worker pushed; of these, the cold ones, and those that had a newer entry already."""

    pushed: int = 0
    cold: int = 0
    late: int = 0


class Timelines:
    """The ``TimelineStore`` on Redis 7.0 or later, or Valkey. All methods raise StoreUnavailable.

    Every change carries the time at which its caller gives up, or the caller's earlier deadline: see ``_change``.
    """

    def __init__(self, redis: Redis, kept: int = KEPT_ENTRIES) -> None:
        """``kept`` is the number of entries of a timeline; smaller only in tests."""
        self._redis = redis
        self._keys = keys(redis)
        self._functions = functions(redis)
        self._monitor = RunMonitor(redis)
        self._run_id = ""
        self.kept = kept
        self.counts = PushCounts()
        self._push_slots: dict[str, PrioritySemaphore] = defaultdict(lambda: PrioritySemaphore(MAX_PUSH_CALLS))
        self._warm = Batcher(self._exist)

    async def create(self, user: int, deadline: float | None = None) -> bool:
        """Create the empty, complete timeline of a new user. False: the deadline passed.

        An existing list is another user's, or was built by a read since: it is removed, and the next read rebuilds it.
        """
        created = await self._change("create", [self._keys.of(user)], _COMPLETE, UNREAD_MS, deadline=deadline)
        if created == 0:
            await self.remove(user)
        return created is not None

    async def push(
        self,
        users: Sequence[int],
        entry: bytes,
        deadline: float | None = None,
        low_priority: bool = False,
        check: Check | None = None,
    ) -> int:
        """Insert an entry into each warm timeline, in order, once; return how many timelines took it.

        Returns or raises after all its calls have ended, even if one fails early: an unfollow of the same edge proceeds
        after this. ``check`` is called when a call gets its slot, which may be long after the caller checked its lease.
        """
        if len(entry) != ENTRY_BYTES:
            raise ValueError(f"an entry has {ENTRY_BYTES} bytes, not {len(entry)}")
        if 0 < len(users) <= FEW_TIMELINES and not self._redis.clustered:
            return await self._push(self._keys.calls(users), entry, deadline)
        rank = new_post_id().bytes if low_priority else entry  # the priority of a post made now
        pushes = [
            self._push(calls, entry, deadline)
            if len(users) <= FEW_TIMELINES
            else self._push_in_slot(self._push_slots[to].slot(rank), calls, entry, deadline, check)
            for batch in _batches(users)
            for to, calls in self._redis.by_server(self._keys.calls(batch)).items()
        ]
        counts = await asyncio.gather(*pushes, return_exceptions=True)
        if failed := [count for count in counts if isinstance(count, BaseException)]:
            raise failed[0]
        return sum(count for count in counts if isinstance(count, int))

    async def older(self, user: int, before: UUID | None, limit: int) -> TimelinePage:
        """Return up to ``limit`` entries older than ``before`` (None: from the head), and postpone the expiry."""
        position = before.bytes if before else b""
        return _slice(await self._read("older", [self._keys.of(user)], position, limit, UNREAD_MS))

    async def newer(self, user: int, after: UUID, limit: int) -> TimelinePage:
        """Return the ``limit`` entries next above ``after``, newest first.

        Returns COLD also if ``after`` is below a partial list's tail: entries above it may be missing.
        """
        return _slice(await self._read("newer", [self._keys.of(user)], after.bytes, limit))

    async def merge(self, user: int, entries: Sequence[bytes], deadline: float | None = None) -> bool:
        """Merge entries into a warm timeline (backfill). False only if the deadline passed.

        ``entries``: all of the author's, or at least the newest ``KEPT_ENTRIES``, in any order.
        """
        return (
            await self._change("merge", [self._keys.of(user)], self.kept, _joined(entries), deadline=deadline)
            is not None
        )

    async def purge(self, user: int, author: int, deadline: float | None = None) -> bool:
        """Remove an author's entries from a warm timeline (unfollow). False only if the deadline passed.

        An emptied partial timeline becomes cold: older entries exist, and the next read finds them.
        """
        return await self._change("purge", [self._keys.of(user)], encode_user(author), deadline=deadline) is not None

    async def begin(self, user: int, takeover: bytes | None = None) -> Building | None:
        """Mark a cold timeline as building. None if it is warm or another builder has it.

        ``takeover``: the token of a builder that is presumed dead, which is replaced. Entries pushed since its start
        stay.
        """
        building = Building(secrets.token_bytes(_TOKEN_BYTES), 0)
        if takeover is not None:
            tail = await self._change("takeover", [self._keys.of(user)], takeover, building.token, UNREAD_MS)
            if tail:
                return _building(tail)
        created = await self._change("create", [self._keys.of(user)], _mark(building), UNREAD_MS)
        return building if created else None

    async def renew(self, user: int, building: Building) -> Building | None:
        """Replace the builder's token, as a sign of life. None if the mark is gone or has another token.

        The returned counter is the caller's: later changes count at ``finish``.
        """
        token = secrets.token_bytes(_TOKEN_BYTES)
        taken = await self._change("takeover", [self._keys.of(user)], building.token, token, UNREAD_MS)
        return Building(token, building.changes) if taken else None

    async def building(self, user: int) -> Building | None:
        """Return the rebuild in progress."""
        return _building(await self._call("tail", [self._keys.of(user)]))

    async def finish(self, user: int, building: Building, entries: Sequence[bytes], complete: bool) -> bool:
        """Merge the rebuilt entries and remove the mark; False if token or counter differ from ``building``.

        ``complete``: the entries are the whole history. Otherwise they are its newest part without a hole (at least
        one), and entries below the last of them are removed.
        """
        if not entries and not complete:
            raise ValueError("no entries are either the whole history or say nothing of it")
        mark, joined = _mark(building), _joined(entries)
        return bool(
            await self._change("finish", [self._keys.of(user)], self.kept, mark, joined, int(complete), UNREAD_MS)
        )

    async def remove(self, user: int) -> None:
        """Delete a timeline (of a deleted user, or a failed rebuild). A late one is harmless: reads rebuild it."""
        async with self._redis.translated() as client:
            await client.delete(self._keys.of(user))

    async def warm(self, users: Sequence[int]) -> Sequence[bool]:
        """Return for each user whether their timeline exists."""
        return await self._warm(users)

    async def run_id(self) -> str:
        """Return the run id of Redis. After a change, the writes of its last moments may be lost."""
        run_id = await self._monitor.run()
        if run_id != self._run_id:
            self._run_id = run_id
            self._functions.clocks.forget()
        return run_id

    async def _exist(self, users: Sequence[int]) -> list[bool]:
        there: dict[bytes, bool] = {}
        for batch in _batches(users):
            for calls in self._redis.by_server(self._keys.calls(batch)).values():
                answers = await self._functions.call_each("warm", calls, ())
                found = [bool(each) for answer in answers for each in answer]
                there.update(zip((key for keys in calls for key in keys), found, strict=True))
        return [there[self._keys.of(user)] for user in users]

    async def _push_in_slot(
        self,
        slot: AbstractAsyncContextManager[None],
        calls: Sequence[CallKeys],
        entry: bytes,
        deadline: float | None,
        check: Check | None,
    ) -> int:
        async with slot:
            if check is not None:
                check()
            if deadline is not None and time.monotonic() > deadline:
                # Sending it would delay the calls that are still in time; under load, none ever would be.
                raise self._late()
            return await self._push(calls, entry, deadline)

    async def _push(self, calls: Sequence[CallKeys], entry: bytes, deadline: float | None) -> int:
        max_entries = self.kept + self.kept // SLACK_DIVISOR
        args, until = (entry, self.kept, max_entries), self._until(deadline)
        if len(calls[0]) <= FEW_TIMELINES and not self._redis.clustered:
            answers = [await self._functions.change("push", calls[0], args, until)]
        else:
            answers = await self._functions.call_each("push", calls, args, until)
        if any(self._refused(answer, deadline) for answer in answers):
            raise self._late()
        return self._count(sum(map(len, calls)), answers)

    def _count(self, timelines: int, answers: Sequence[Reply]) -> int:
        """Count a push by the answers of its calls; return how many timelines took the entry."""
        taken, cold, late = map(sum, zip(*answers, strict=True))
        self.counts.pushed += timelines
        self.counts.cold += cold
        self.counts.late += late
        return int(taken)

    def _late(self) -> StoreUnavailable:
        return StoreUnavailable(self._redis.name, "the push came after its deadline")

    async def _change(self, name: str, keys: CallKeys, *args: bytes | int, deadline: float | None = None) -> Reply:
        """Call a function that writes, but not after the caller's time-out or ``deadline``; None if the latter passed.

        Otherwise a server that was frozen would make the change late, after newer ones: a push after an unfollow's
        purge would leave a stray entry.
        """
        answer = await self._functions.change(name, keys, args, self._until(deadline))
        self._refused(answer, deadline)
        return answer

    def _until(self, deadline: float | None) -> float:
        given_up = time.monotonic() + self._redis.timeout
        return given_up if deadline is None else min(given_up, deadline)

    def _refused(self, answer: Reply, deadline: float | None) -> bool:
        """Return whether ``deadline`` passed before the call. Raises StoreUnavailable if only the time-out did."""
        if answer is None and (deadline is None or time.monotonic() <= deadline):
            self._functions.clocks.forget()
            raise StoreUnavailable(self._redis.name, "the call was late, or the server's clock was set")
        return answer is None

    async def _read(self, name: str, keys: CallKeys, *args: bytes | int) -> Reply:
        return await self._functions.read(name, keys, args)

    async def _call(self, name: str, keys: CallKeys, *args: bytes | int) -> Reply:
        return await self._functions.change(name, keys, args)


def _batches(users: Sequence[int]) -> list[Sequence[int]]:
    return [users[start : start + TIMELINES_PER_CALL] for start in range(0, len(users), TIMELINES_PER_CALL)]


def _joined(entries: Sequence[bytes]) -> bytes:
    """Join entries for the functions: newest first, without duplicates."""
    return b"".join(sorted(set(entries), reverse=True))


def _slice(answer: Reply) -> TimelinePage:
    if answer is None:
        return TimelinePage(TimelineState.COLD, ())
    tail, entries = answer
    return TimelinePage(state_of(tail), entries)


def _mark(building: Building) -> bytes:
    return _BUILDING + building.token + building.changes.to_bytes(8, "big")


def _building(tail: bytes | None) -> Building | None:
    if tail is None or state_of(len(tail)) is not TimelineState.BUILDING:
        return None
    return Building(tail[1 : 1 + _TOKEN_BYTES], int.from_bytes(tail[1 + _TOKEN_BYTES :], "big"))
