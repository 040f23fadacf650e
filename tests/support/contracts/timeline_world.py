"""One follower's world: who follows whom, who wrote what, and what of it is still under way.

It moves as the system moves: PostgreSQL first, then the event's row, then the effect; a post is stored, then fanned
out. Every wait in between is a step of its own, so that a test can put anything between any two of them. The rules
that agents keep (locks, versions, an unfollow waits for fan-outs) are kept here too; everything else is in any order.
"""

from collections import deque
from dataclasses import dataclass, field
from uuid import UUID

from microblog_streams.domain.ids import encode_entry, entry_author
from microblog_streams.ports import Building, TimelinePage, TimelineState, TimelineStore

OWNER = 100
AUTHORS = (1, 2, 3)


@dataclass
class Edge:
    """The owner's relation to one author, on its way through the system."""

    follows: bool = False  # PostgreSQL
    row: bool = False  # the followers table
    version: int = 0  # the row's
    events: deque[bool] = field(default_factory=deque)  # written by PostgreSQL, not yet applied
    effects: deque[tuple[int, bool]] = field(default_factory=deque)  # rows written, effects not yet begun
    running: tuple[bool, list[bytes]] | None = None  # an effect that holds the lock, with the posts it has read

    @property
    def applied(self) -> bool:
        return not (self.events or self.effects or self.running)


@dataclass
class Builder:
    """A reader that rebuilds the timeline, and what it has read so far."""

    building: Building
    entries: list[bytes] | None = None
    complete: bool = False


class World:
    """Truth, and the steps that bring a timeline towards it."""

    def __init__(self, store: TimelineStore, user: int, kept: int) -> None:
        self.store, self.user, self.kept = store, user, kept
        self.edges = {author: Edge() for author in AUTHORS}
        self.written: set[bytes] = set()
        self.stored: set[bytes] = set()
        self.waiting: list[bytes] = []  # fan-outs not begun
        self.pushing: list[tuple[bytes, bool]] = []  # fan-outs begun: the rows are read, the pushes not made
        self.delivered: set[bytes] = set()
        self.builders: list[Builder] = []

    # Posts

    def history(self, author: int, numbers: set[int]) -> None:
        """Have an author write and deliver posts before anything else happens."""
        entries = {encode_entry(UUID(int=number), author) for number in numbers}
        self.written |= entries
        self.stored |= entries
        self.delivered |= entries

    async def write(self, author: int, number: int, at_once: bool) -> None:
        """Publish a post; ``at_once``: the view's own store and push succeed too."""
        entry = encode_entry(UUID(int=number), author)
        self.written.add(entry)
        self.waiting.append(entry)
        if at_once:
            self.stored.add(entry)
            if author == OWNER:
                await self.store.push([self.user], entry)

    def begin_fan_out(self, index: int) -> None:
        """Store a post and read the author's row: whether it will be pushed is decided here."""
        entry = self.waiting.pop(index % len(self.waiting))
        self.stored.add(entry)
        author = entry_author(entry)
        self.pushing.append((entry, author == OWNER or self.edges[author].row))

    async def end_fan_out(self, index: int) -> None:
        entry, push = self.pushing.pop(index % len(self.pushing))
        if push:
            await self.store.push([self.user], entry)
        self.delivered.add(entry)

    def deliver_again(self, index: int) -> None:
        """A worker died before it acknowledged: the event comes once more."""
        self.waiting.append(sorted(self.delivered)[index % len(self.delivered)])

    # Follows

    def change(self, author: int) -> None:
        """Follow or unfollow, in PostgreSQL."""
        edge = self.edges[author]
        edge.follows = not edge.follows
        edge.events.append(edge.follows)

    def apply(self, author: int) -> None:
        """Write the row of the next event."""
        edge = self.edges[author]
        edge.row = edge.events.popleft()
        edge.version += 1
        edge.effects.append((edge.version, edge.row))

    def begin_effect(self, author: int) -> None:
        """Take the lock, look whether the row still stands, and read the posts to merge."""
        edge = self.edges[author]
        version, following = edge.effects.popleft()
        if version == edge.version:
            mine = sorted((entry for entry in self.stored if entry_author(entry) == author), reverse=True)
            edge.running = (following, mine[: self.kept])

    async def end_effect(self, author: int) -> None:
        edge = self.edges[author]
        assert edge.running
        following, entries = edge.running
        if following:
            await self.store.merge(self.user, entries)
        else:
            await self._finish_fan_outs(author)
            await self.store.purge(self.user, author)
        edge.running = None

    # Rebuilds

    async def begin_rebuild(self) -> None:
        """Begin where the timeline is cold, else take over from whom builds it."""
        now = await self.store.building(self.user)
        if building := await self.store.begin(self.user, takeover=now.token if now else None):
            self.builders.append(Builder(building))

    async def read(self, index: int, less: int = 0) -> None:
        """Note the mark, then read followees and posts, in this order."""
        builder = self.builders[index % len(self.builders)]
        now = await self.store.building(self.user)
        if now is None or now.token != builder.building.token:
            self.builders.remove(builder)
            return
        authors = {OWNER, *(author for author, edge in self.edges.items() if edge.follows)}
        entries = sorted((entry for entry in self.stored if entry_author(entry) in authors), reverse=True)
        depth = self.kept - less
        builder.building, builder.entries = now, entries[:depth]
        builder.complete = len(entries) < depth

    async def finish(self, index: int) -> bool:
        builder = self.builders[index % len(self.builders)]
        if builder.entries is None:
            return False
        done = await self.store.finish(self.user, builder.building, builder.entries, builder.complete)
        if done:
            self.builders.remove(builder)
        builder.entries = None
        return done

    async def rebuild(self) -> None:
        """Rebuild, with nothing in between, what is cold or another's."""
        while (await self.look()).state in (TimelineState.COLD, TimelineState.BUILDING):
            await self.begin_rebuild()
            await self.read(-1)
            await self.finish(-1)

    # What must be true

    async def look(self) -> TimelinePage:
        return await self.store.older(self.user, None, 1000)

    async def let_all_finish(self) -> None:
        """Let all that is under way come to its end."""
        while self.waiting:
            self.begin_fan_out(0)
        while self.pushing:
            await self.end_fan_out(0)
        for author, edge in self.edges.items():
            while not edge.applied:
                if edge.running:
                    await self.end_effect(author)
                elif edge.effects:
                    self.begin_effect(author)
                else:
                    self.apply(author)
        if (await self.look()).state is TimelineState.BUILDING:
            await self.rebuild()

    def expected(self) -> list[bytes]:
        """Return what a complete timeline holds once all edges are applied."""
        authors = {OWNER, *(author for author, edge in self.edges.items() if edge.follows)}
        return sorted((entry for entry in self.written if entry_author(entry) in authors), reverse=True)

    def missing(self, seen: TimelinePage) -> set[bytes]:
        """Return delivered posts of followees whose follow is applied, down to the tail, that are not there."""
        if seen.state in (TimelineState.COLD, TimelineState.BUILDING):
            return set()
        floor = seen.entries[-1] if seen.state is TimelineState.PARTIAL else b""
        authors = {OWNER, *(author for author, edge in self.edges.items() if edge.follows and edge.applied)}
        return {e for e in self.delivered if entry_author(e) in authors and e >= floor} - set(seen.entries)

    def strays(self, seen: TimelinePage) -> set[bytes]:
        """Return what is there of authors who are not followed any more, once that is applied."""
        gone = {author for author, edge in self.edges.items() if not edge.follows and edge.applied}
        return {entry for entry in seen.entries if entry_author(entry) in gone}

    async def _finish_fan_outs(self, author: int) -> None:
        """An unfollow waits for those of the author's fan-outs that began before it."""
        for index in reversed(range(len(self.pushing))):
            if entry_author(self.pushing[index][0]) == author:
                await self.end_fan_out(index)
