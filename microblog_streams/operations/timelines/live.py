"""Follows timelines live: what arrives, and what disappears, in the order of arrival, each once.

A ``_Feed`` reads the log of one timeline for all of its readers in this worker: when a push signals it, and at
intervals, since a signal may be lost. Events carry their position in the log, with which a reader goes on after a
break, on any worker. Where the log does not have the position, the event ``RESET`` says: read the page again.

The public timeline has readers who are signed in: before a post is told, blocks between its author and them are
looked up, in one query for all of them.

A post that was lost with Redis is pushed and logged again by its event, so a feed leaves out what it has told already.
A feed looks after its list, too: a cold timeline takes no pushes, so it is rebuilt.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple
from uuid import UUID

from microblog_streams.aio.failures import best_effort, jittered
from microblog_streams.aio.tasks import cancel_all, retrieve_exception
from microblog_streams.aio.ttl_cache import BoundedDict
from microblog_streams.domain.errors import Busy, MicroblogError, NotFound
from microblog_streams.domain.ids import PUBLIC, entry_author, entry_post_id
from microblog_streams.domain.models import PostView
from microblog_streams.operations.posts import Hydration
from microblog_streams.operations.timelines.read import Timelines
from microblog_streams.ports import BlockStore, TimelineStore
from microblog_streams.ports.live import Arrival, Change, LiveLog

log = logging.getLogger(__name__)

#: Longest time between two reads of a log; the shortest is half of it.
SWEEP_SECONDS: Final = 15.0
#: Time between two renewals of the leases, which last ten times as long.
RENEW_SECONDS: Final = 60.0
#: Pause after a failure.
RETRY_SECONDS: Final = 1.0
#: Events that wait for a reader, who is cut off at more; and entries of a log in one read.
MAX_WAITING, BATCH = 128, 64
#: Entries of a log that are replayed to a reader who comes back: all that a log has.
MAX_REPLAYED: Final = 512
#: Posts that a feed remembers to have told.
MAX_REMEMBERED: Final = 512
#: How long a view of a post is used for other readers.
VIEW_SECONDS: Final = 2.0


class LiveEvent(NamedTuple):
    """One event. ``post`` is set for a POST, ``post_id`` for a DELETE."""

    position: str
    change: Change
    post: PostView | None = None
    post_id: UUID | None = None


class Reader:
    """What waits for one reader. ``next`` returns it; None means that the stream ends."""

    def __init__(self, user: int | None = None) -> None:
        """``user`` is who reads the public timeline and is signed in."""
        self.user = user
        self._waiting: deque[LiveEvent] = deque()
        self._more = asyncio.Event()
        self._ended = False
        #: The position of the last event that the reader had from another worker.
        self.after = ""

    def put(self, event: LiveEvent) -> None:
        """Add an event; a reader for whom too many wait is cut off, and comes back with their last position."""
        if event.change is Change.RESET:
            self.after = ""  # positions begin anew, perhaps on a server whose clock is behind
        elif self.after and _order(event.position) <= _order(self.after):
            return
        if len(self._waiting) >= MAX_WAITING:
            self.end()
        if not self._ended:
            self._waiting.append(event)
            self._more.set()

    def put_first(self, events: Iterable[LiveEvent]) -> None:
        """Add events in front of those that came meanwhile."""
        self._waiting.extendleft(reversed(list(events)))
        if self._waiting:
            self._more.set()

    def end(self) -> None:
        """End the stream after what waits already."""
        self._ended = True
        self._more.set()

    async def next(self) -> Sequence[LiveEvent] | None:
        """Wait for events and return all that are there."""
        await self._more.wait()
        self._more.clear()
        found = list(self._waiting)
        self._waiting.clear()
        if self._ended:
            self._more.set()
            return found or None
        return found


class _Feed:
    """One timeline with its readers. ``position`` is up to where they were told."""

    def __init__(self, user: int, position: str) -> None:
        self.user = user
        self.position = position
        self.readers: set[Reader] = set()
        self.woken = asyncio.Event()
        #: Whether the log may lack an entry.
        self.doubtful = False
        self.told: BoundedDict[bytes, None] = BoundedDict(MAX_REMEMBERED)
        self.task: asyncio.Task[None] | None = None

    async def woken_in_time(self) -> bool:
        """Wait for a signal; return whether it came before the next look is due without one."""
        try:
            async with asyncio.timeout(jittered(SWEEP_SECONDS)):
                await self.woken.wait()
        except TimeoutError:
            return False
        return True

    def tell(self, event: LiveEvent, value: bytes, blocked: Collection[int] = ()) -> None:
        """Tell all readers but ``blocked``. After a reset they read the page, which may lack what was told before."""
        if event.change is Change.RESET:
            self.told.clear()
        elif value:
            self.told[value] = None
        for reader in list(self.readers):
            if reader.user not in blocked:
                reader.put(event)


class LiveTimelines:
    """The timelines that are followed in this worker."""

    def __init__(
        self, logs: LiveLog, lists: TimelineStore, timelines: Timelines, hydration: Hydration, blocks: BlockStore
    ) -> None:
        """``timelines`` rebuilds a cold list."""
        self._logs, self._lists, self._timelines, self._hydration = logs, lists, timelines, hydration
        self._blocks = blocks
        self._feeds: dict[int, _Feed] = {}
        #: By the posts' ids.
        self._views: dict[bytes, asyncio.Task[PostView | None]] = {}
        self._background: list[asyncio.Task[None]] = []
        self._resets: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def readers(self) -> int:
        """The number of readers in this worker."""
        return sum(len(feed.readers) for feed in self._feeds.values())

    @asynccontextmanager
    async def follow(self, user: int, position: str | None, reader: int | None = None) -> AsyncIterator[Reader]:
        """Follow a timeline from after a position; without one, from now on, after a RESET.

        ``user`` is its owner, or PUBLIC; then ``reader`` is who is signed in.
        Raises NotFound, StoreUnavailable, and Busy where the worker stops.
        """
        self._check_open()
        self._start()
        await self._warm(user)
        newest = (await self._logs.listen([user]))[0]
        self._check_open()  # else nothing would end this stream
        feed = self._feeds.get(user) or self._open(user, newest)
        joined = Reader(reader if user == PUBLIC else None)
        feed.readers.add(joined)
        try:
            await self._replay(feed, joined, position)
            yield joined
        finally:
            self._leave(feed, joined)

    async def check_access(self, user: int) -> None:
        """Have the streams of a timeline, on all workers, look up whether their tokens are still valid.

        Without Redis they do so only at their next heartbeat.
        """
        await best_effort("check_access", lambda: self._logs.announce([user], Change.ACCESS), None)

    async def reset(self, user: int) -> None:
        """Have the readers of a timeline, on all workers, read its page again. Without Redis they do not."""
        await best_effort("reset_readers", lambda: self._logs.announce([user], Change.RESET), None)

    async def close(self) -> None:
        """End all streams and refuse new ones."""
        self._closed = True
        for feed in self._feeds.values():
            for reader in feed.readers:
                reader.end()
        tasks = [task for task in (*(feed.task for feed in self._feeds.values()), self._resets) if task]
        await cancel_all([*tasks, *self._background, *self._views.values()])

    def _check_open(self) -> None:
        if self._closed:
            raise Busy("The worker is stopping")

    def _open(self, user: int, position: str) -> _Feed:
        feed = self._feeds[user] = _Feed(user, position)
        feed.task = asyncio.create_task(self._run(feed))
        return feed

    def _leave(self, feed: _Feed, reader: Reader) -> None:
        feed.readers.discard(reader)
        if not feed.readers and self._feeds.get(feed.user) is feed:
            del self._feeds[feed.user]
            if feed.task:
                feed.task.cancel()

    async def _replay(self, feed: _Feed, reader: Reader, position: str | None) -> None:
        """Tell a reader what happened between their position and the feed's; what comes later the feed tells."""
        until = feed.position
        arrivals = None if position is None else await self._logs.since(feed.user, position, MAX_REPLAYED)
        if position is not None and arrivals is not None:
            reader.after = position
        missed = [each for each in arrivals or () if _order(each.position) <= _order(until)]
        if arrivals is None or len(missed) > MAX_WAITING // 2:
            missed = [Arrival(until, Change.RESET)]
        events = [event for each in missed if (event := await self._event(each)) is not None]
        authors = {event.post.author for event in events if event.post}
        blocked = await self._blocks.between(reader.user, authors) if reader.user and authors else ()
        reader.put_first(event for event in events if event.post is None or event.post.author not in blocked)

    async def _run(self, feed: _Feed) -> None:
        """Read the log whenever there may be more in it.

        The streams end where the user is deleted. A defect ends them too, and their readers come back.
        """
        try:
            while True:
                await self._read_and_wait(feed)
        except NotFound:
            self._end(feed)
        except Exception:
            log.exception("live_feed_failed user=%d", feed.user)
            self._end(feed)

    def _end(self, feed: _Feed) -> None:
        if self._feeds.get(feed.user) is feed:
            del self._feeds[feed.user]
        for reader in feed.readers:
            reader.end()

    async def _read_and_wait(self, feed: _Feed) -> None:
        """Read the log to its end, and wait for a signal; without one, see that the timeline takes pushes."""
        try:
            await self._read(feed)
            if not await feed.woken_in_time():
                await self._warm(feed.user)
        except NotFound:
            raise
        except MicroblogError as exc:
            log.debug("live_read_failed user=%d error=%s", feed.user, exc)
            await asyncio.sleep(RETRY_SECONDS)

    async def _read(self, feed: _Feed) -> None:
        feed.woken.clear()
        while arrivals := await self._arrivals(feed):
            for arrival in arrivals:
                event = None if arrival.value in feed.told else await self._event(arrival)
                blocked = await self._blocked(feed, event)
                feed.position = arrival.position
                if event is not None:
                    feed.tell(event, arrival.value, blocked)

    async def _blocked(self, feed: _Feed, event: LiveEvent | None) -> Collection[int]:
        """Return the readers whom a block keeps from an event's post; others may join while it is looked up."""
        asked: set[int] = set()
        blocked: set[int] = set()
        while event and event.post and (new := {reader.user for reader in feed.readers if reader.user} - asked):
            blocked |= {*await self._blocks.between(event.post.author, new)}
            asked |= new
        return blocked

    async def _arrivals(self, feed: _Feed) -> Sequence[Arrival]:
        """Return what came since; a RESET where that is not known."""
        if not feed.doubtful:
            arrivals = await self._logs.since(feed.user, feed.position, BATCH)
            if arrivals is not None:
                return arrivals
        feed.doubtful = False  # before the log is read: a doubt that comes meanwhile counts
        try:
            await self._warm(feed.user)
            return [Arrival((await self._logs.listen([feed.user]))[0], Change.RESET)]
        except BaseException:
            feed.doubtful = True
            raise

    async def _event(self, arrival: Arrival) -> LiveEvent | None:
        """Return an arrival's event; None for a post that is deleted by now."""
        match arrival.change:
            case Change.POST:
                post = await self._view(arrival.value)
                return None if post is None else LiveEvent(arrival.position, Change.POST, post)
            case Change.DELETE:
                self._views.pop(arrival.value, None)  # a push of the post may still be under way
                return LiveEvent(arrival.position, Change.DELETE, post_id=UUID(bytes=arrival.value))
        return LiveEvent(arrival.position, arrival.change)

    async def _view(self, entry: bytes) -> PostView | None:
        """Return the view of an entry's post, read once for all timelines on which it arrives at the same time."""
        key = entry_post_id(entry).bytes
        task = self._views.get(key)
        if task is None:
            task = self._views[key] = asyncio.create_task(self._read_view(entry))
            task.add_done_callback(retrieve_exception)
            asyncio.get_running_loop().call_later(VIEW_SECONDS, self._views.pop, key, None)
        return await asyncio.shield(task)

    async def _read_view(self, entry: bytes) -> PostView | None:
        try:
            found = await self._hydration.views([entry], entry_author(entry))
        except NotFound:
            return None  # the author is deleted
        except BaseException:
            self._views.pop(entry_post_id(entry).bytes, None)
            raise
        return found[0] if found else None

    async def _warm(self, user: int) -> None:
        """Rebuild the timeline if it is cold: it would take no pushes."""
        if not (await self._lists.warm([user]))[0]:
            await self._timelines.older(user, None, 1)

    def _start(self) -> None:
        if not self._background:
            self._background = [asyncio.create_task(each) for each in (self._listen_for_wakes(), self._renew_leases())]

    async def _listen_for_wakes(self) -> None:
        while True:
            try:
                async with self._logs.wakes() as messages:
                    self._wake(list(self._feeds))
                    async for users in messages:
                        self._wake(users) if users else self._reset_all()
            except Exception as exc:
                # Whatever it was, logs are read at intervals meanwhile, and the next subscription may hold.
                unexpected = None if isinstance(exc, MicroblogError) else exc
                log.warning("live_signal_lost error=%s", exc, exc_info=unexpected)
                await asyncio.sleep(RETRY_SECONDS)

    def _wake(self, users: Sequence[int]) -> None:
        for user in users:
            if (feed := self._feeds.get(user)) is not None:
                feed.woken.set()

    def _reset_all(self) -> None:
        """Have all readers read their pages again: a log may lack an entry, and it is not known which.

        It is logged for those who are away now, and come back with a position from before.
        """
        for feed in self._feeds.values():
            feed.doubtful = True
            feed.woken.set()
        if self._resets is None or self._resets.done():
            self._resets = asyncio.create_task(self._log_resets())

    async def _log_resets(self) -> None:
        """Log a reset of all timelines, after a pause: while a slot moves, this log would fail as the last one did."""
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            try:
                await self._logs.reset_all()
            except MicroblogError as exc:
                log.debug("live_resets_failed error=%s", exc)
            else:
                return

    async def _renew_leases(self) -> None:
        while True:
            await asyncio.sleep(jittered(RENEW_SECONDS))
            try:
                await best_effort("renew_leases", self._renew, None)
            except Exception:
                log.exception("live_leases_not_renewed")

    async def _renew(self) -> None:
        if users := list(self._feeds):
            await self._logs.listen(users)


def _order(position: str) -> tuple[int, int]:
    """Return a position as what it is ordered by: the time and the number of an id of Redis' streams."""
    millis, _, number = position.partition("-")
    return int(millis), int(number)
