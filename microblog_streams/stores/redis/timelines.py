"""Home timelines in Redis: all that is known of their marks and limits, and why.

A timeline is a Redis list kept newest first; `timelines.lua` says of what. **It holds everything that its owner and
the owner's followees wrote, down to its tail**: every rule here and in the Lua functions serves that sentence.
A list, because 24-byte entries stay packed in it: a fifth of a sorted set's memory at twice its pushes a second.
"""

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
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

#: Entries that a timeline keeps: 40 pages of 20 in 21 KB. Older pages come from the post store. Who merges an
#: author's posts brings this many or all of them, since fewer would leave a hole below the last.
KEPT_ENTRIES: Final = 800
#: Pushes may exceed that by a tenth, so that a full timeline is trimmed at every 80th push and not at each.
SLACK_DIVISOR: Final = 10
#: Timelines that one call pushes to: it takes the server 1 to 2 ms, for which reads of other timelines wait. Fewer
#: timelines a call spend more of the client's time on calls; more make reads wait longer and push hardly faster.
TIMELINES_PER_CALL: Final = 500
#: Timelines of a push that goes together with others: an author's own, for which the author waits, and small fan-outs.
FEW_TIMELINES: Final = 32
#: Calls of one worker that push at a time. Enough that the server never waits for the client; what exceeds it would
#: only queue in the server, ahead of the reads.
MAX_PUSH_CALLS: Final = 4
#: Milliseconds after its last read until a timeline expires (noted to a day): 30 days.
UNREAD_MS: Final = 30 * 24 * 3600 * 1000

_COMPLETE: Final = b"E"
#: A building mark is B, a token and a counter; in all one byte longer than an entry, so that lengths tell them apart.
_BUILDING: Final = b"B"
_TOKEN_BYTES: Final = 16
_BY_TAIL: Final = {
    len(_COMPLETE): TimelineState.COMPLETE,
    ENTRY_BYTES: TimelineState.PARTIAL,
    ENTRY_BYTES + 1: TimelineState.BUILDING,
}


def key(user: int) -> bytes:
    """Return the key of a user's timeline where Redis is one server."""
    return SingleServerKeys().of(user)


def keys(redis: Redis) -> TimelineKeys:
    """Return how timelines are named in this Redis."""
    return ClusterKeys() if redis.clustered else SingleServerKeys()


def functions(redis: Redis) -> RedisFunctions:
    """Return the functions of ``timelines.lua``."""
    return RedisFunctions(redis, Path(__file__).with_suffix(".lua"), "timeline")


def state_of(tail: int) -> TimelineState:
    """Return the state of a list whose last element has so many bytes."""
    return _BY_TAIL[tail]


class Timelines:
    """The TimelineStore on Redis 7.0 or later, or Valkey. All methods raise StoreUnavailable.

    A change that was given up because no answer came in time is not made later either: see ``_change``.
    """

    def __init__(self, redis: Redis, kept: int = KEPT_ENTRIES) -> None:
        """Take the connection; ``kept`` is the entries of a timeline, smaller only in tests."""
        self._redis = redis
        self._keys = keys(redis)
        self._functions = functions(redis)
        self._looks = RunMonitor(redis)
        self._run_id = ""
        self.kept = kept
        self._turns: dict[str, PrioritySemaphore] = defaultdict(lambda: PrioritySemaphore(MAX_PUSH_CALLS))
        self._warm = Batcher(self._exist)

    async def create(self, user: int, deadline: float | None = None) -> bool:
        """Make the empty, complete timeline of a new user. False: deadline passed.

        A list that is there is not theirs, or was made by a read since: it goes, and the next read makes theirs.
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
        """Put one entry into each warm timeline, in its place, once. Returns how many timelines took it.

        StoreUnavailable also where the deadline had passed. Ends when all its calls have ended, also those beside one
        that failed: an unfollow goes on as soon as this is over. ``check`` is called when a push's turn comes: behind
        many others that may be long after whoever asked for it looked at the lease.
        """
        if len(entry) != ENTRY_BYTES:
            raise ValueError(f"an entry has {ENTRY_BYTES} bytes, not {len(entry)}")
        if 0 < len(users) <= FEW_TIMELINES and not self._redis.clustered:
            return await self._push(self._keys.calls(users), entry, deadline)
        rank = new_post_id().bytes if low_priority else entry  # as if it were a post of this moment
        pushes = [
            self._push(calls, entry, deadline)
            if len(users) <= FEW_TIMELINES
            else self._push_in_turn(self._turns[to].slot(rank), calls, entry, deadline, check)
            for batch in _batches(users)
            for to, calls in self._redis.by_server(self._keys.calls(batch)).items()
        ]
        counts = await asyncio.gather(*pushes, return_exceptions=True)
        if failed := [count for count in counts if isinstance(count, BaseException)]:
            raise failed[0]
        return sum(count for count in counts if isinstance(count, int))

    async def older(self, user: int, before: UUID | None, limit: int) -> TimelinePage:
        """Return up to ``limit`` entries older than ``before`` (or from the head) and note that it was read."""
        position = before.bytes if before else b""
        return _slice(await self._read("older", [self._keys.of(user)], position, limit, UNREAD_MS))

    async def newer(self, user: int, after: UUID, limit: int) -> TimelinePage:
        """Return the ``limit`` entries next above ``after``, newest first.

        COLD also where ``after`` is below a partial list's tail: the list does not know what is next above it.
        """
        return _slice(await self._read("newer", [self._keys.of(user)], after.bytes, limit))

    async def merge(self, user: int, entries: Sequence[bytes], deadline: float | None = None) -> bool:
        """Merge entries (backfill of a follow) into a warm timeline. False only where the deadline had passed.

        ``entries`` are all that the author wrote, or at least the newest ``KEPT_ENTRIES`` of it, in any order.
        """
        return (
            await self._change("merge", [self._keys.of(user)], self.kept, _joined(entries), deadline=deadline)
            is not None
        )

    async def purge(self, user: int, author: int, deadline: float | None = None) -> bool:
        """Remove an author's entries (unfollow) from a warm timeline. False only where the deadline had passed.

        A partial timeline that this empties is cold afterwards: older entries exist, and the next read finds them.
        """
        return await self._change("purge", [self._keys.of(user)], encode_user(author), deadline=deadline) is not None

    async def begin(self, user: int, takeover: bytes | None = None) -> Building | None:
        """Mark a cold timeline as building. None where it is warm or another builds it.

        ``takeover`` is the token of a builder that is thought dead: it is replaced by a new one. What was pushed
        since that builder began stays.
        """
        building = Building(secrets.token_bytes(_TOKEN_BYTES), 0)
        if takeover is not None:
            tail = await self._change("takeover", [self._keys.of(user)], takeover, building.token, UNREAD_MS)
            if tail:
                return _building(tail)
        created = await self._change("create", [self._keys.of(user)], _mark(building), UNREAD_MS)
        return building if created else None

    async def renew(self, user: int, building: Building) -> Building | None:
        """Show that the builder lives: replace its token, and nothing else. None where the mark is gone or another's.

        The counter stays the one that the builder knows: what changed since counts at ``finish``.
        """
        token = secrets.token_bytes(_TOKEN_BYTES)
        taken = await self._change("takeover", [self._keys.of(user)], building.token, token, UNREAD_MS)
        return Building(token, building.changes) if taken else None

    async def building(self, user: int) -> Building | None:
        """Return the rebuild that is under way, None where none is."""
        return _building(await self._call("tail", [self._keys.of(user)]))

    async def finish(self, user: int, building: Building, entries: Sequence[bytes], complete: bool) -> bool:
        """Merge what was rebuilt and lift the mark; False where token or counter are not those of ``building``.

        ``complete``: the entries are the whole history. Else they are its newest part without a hole (at least one),
        and what the list holds below the last of them goes.
        """
        if not entries and not complete:
            raise ValueError("no entries are either the whole history or say nothing of it")
        mark, joined = _mark(building), _joined(entries)
        return bool(
            await self._change("finish", [self._keys.of(user)], self.kept, mark, joined, int(complete), UNREAD_MS)
        )

    async def remove(self, user: int) -> None:
        """Forget a timeline (a deleted user's, a failed rebuild's). Late it is harmless: a cold timeline is rebuilt."""
        async with self._redis.translated() as client:
            await client.delete(self._keys.of(user))

    async def warm(self, users: Sequence[int]) -> Sequence[bool]:
        """Tell which timelines exist."""
        return await self._warm(users)

    async def run_id(self) -> str:
        """Return the id of Redis' run: another one means that its last moments may be lost."""
        run_id = await self._looks.run()
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

    async def _push_in_turn(
        self,
        turn: AbstractAsyncContextManager[None],
        calls: Sequence[CallKeys],
        entry: bytes,
        deadline: float | None,
        check: Check | None,
    ) -> int:
        async with turn:
            if check is not None:
                check()
            if deadline is not None and time.monotonic() > deadline:
                # A call would take the turn of those that are in time yet: where many wait, none ever would be.
                raise self._late()
            return await self._push(calls, entry, deadline)

    async def _push(self, calls: Sequence[CallKeys], entry: bytes, deadline: float | None) -> int:
        most = self.kept + self.kept // SLACK_DIVISOR
        args, until = (entry, self.kept, most), self._until(deadline)
        if len(calls[0]) <= FEW_TIMELINES and not self._redis.clustered:
            taken = [await self._functions.change("push", calls[0], args, until)]
        else:
            taken = await self._functions.call_each("push", calls, args, until)
        if any(self._refused(answer, deadline) for answer in taken):
            raise self._late()
        return sum(taken)

    def _late(self) -> StoreUnavailable:
        return StoreUnavailable(self._redis.name, "the push came after its deadline")

    async def _change(self, name: str, keys: CallKeys, *args: bytes | int, deadline: float | None = None) -> Reply:
        """Call a function that writes, and that does nothing once we have given it up or ``deadline`` has passed.

        Without that, a frozen server that goes on would still make it, after whatever was done meanwhile: a push
        after an unfollow's purge is a stray. Returns None where ``deadline`` had passed.
        """
        answer = await self._functions.change(name, keys, args, self._until(deadline))
        self._refused(answer, deadline)
        return answer

    def _until(self, deadline: float | None) -> float:
        given_up = time.monotonic() + self._redis.timeout
        return given_up if deadline is None else min(given_up, deadline)

    def _refused(self, answer: Reply, deadline: float | None) -> bool:
        """Tell whether a call came after its ``deadline``. Raises StoreUnavailable where only ours had passed."""
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
    """Return entries as the functions take them: newest first, each once, in one string."""
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
