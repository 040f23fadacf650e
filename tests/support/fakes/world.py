"""All operations on stores in memory, and the log's events brought about as the agents would."""

from dataclasses import dataclass, field
from uuid import UUID

from microblog_streams.domain import topics
from microblog_streams.domain.events import (
    Event,
    Followed,
    PostCreated,
    PostDeleted,
    Unfollowed,
    UserChanged,
    UserDeleted,
)
from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.domain.models import Era, Post, PostView
from microblog_streams.operations import Operations, Stores, operations
from microblog_streams.operations.pages import Page
from tests.support.fakes.access import FakePasswords, FakeTokens
from tests.support.fakes.blocks import FakeBlocks
from tests.support.fakes.caches import FakePageCache, FakePostCache, FakeUserCache
from tests.support.fakes.database import FakeDatabase
from tests.support.fakes.followers import FakeFollowers
from tests.support.fakes.follows import FakeFollows
from tests.support.fakes.idempotency import FakeIdempotency
from tests.support.fakes.lease import FakeLease
from tests.support.fakes.log import FakeLog, Published
from tests.support.fakes.outbox import FakeOutbox
from tests.support.fakes.posts import FakePosts
from tests.support.fakes.profiles import FakeProfiles
from tests.support.fakes.timelines import FakeTimelines
from tests.support.fakes.users import FakeUsers

EVENTS: dict[str, type[Event]] = {
    topics.POST_CREATED: PostCreated,
    topics.POST_DELETED: PostDeleted,
    topics.USER_FOLLOW: Followed,
    topics.USER_UNFOLLOW: Unfollowed,
    topics.USER_DELETED: UserDeleted,
    topics.USER_CHANGED: UserChanged,
}


@dataclass
class World:
    """The stores, what is done with them, and how far the log was read. Timelines keep ``kept`` entries."""

    kept: int = 20
    database: FakeDatabase = field(default_factory=FakeDatabase)
    log: FakeLog = field(default_factory=FakeLog)
    posts: FakePosts = field(default_factory=FakePosts)
    post_cache: FakePostCache = field(default_factory=FakePostCache)
    user_cache: FakeUserCache = field(default_factory=FakeUserCache)
    followers: FakeFollowers = field(default_factory=FakeFollowers)
    lease: FakeLease = field(default_factory=FakeLease)
    delivered: int = 0

    def __post_init__(self) -> None:
        self.timelines = FakeTimelines(self.kept)
        self.follows = FakeFollows(self.database)
        self.outbox = FakeOutbox(self.database)
        self.operations = self.worker()

    def worker(self) -> Operations:
        """Return the operations of a worker of its own, on the same stores."""
        return operations(self.stores(), era=lambda: Era(self.database.era, self.database.era_began))

    def stores(self) -> Stores:
        """Return the stores as operations take them."""
        return Stores(
            log=self.log,
            newest_posts=self.log,
            users=FakeUsers(self.database),
            profiles=FakeProfiles(self.database),
            follows=self.follows,
            blocks=FakeBlocks(self.database),
            idempotency=FakeIdempotency(self.database),
            tokens=FakeTokens(self.database),
            passwords=FakePasswords(self.database),
            posts=self.posts,
            timelines=self.timelines,
            live=self.timelines.live,
            post_cache=self.post_cache,
            user_cache=self.user_cache,
            page_cache=FakePageCache(self.post_cache, self.user_cache),
            followers=self.followers,
        )

    @property
    def redis_down(self) -> bool:
        return self.timelines.down

    @redis_down.setter
    def redis_down(self, down: bool) -> None:
        """Timelines and caches live in one Redis."""
        self.timelines.down = self.post_cache.down = self.user_cache.down = down

    async def people(self, *names: str) -> list[int]:
        """Register, and return the ids."""
        return [(await self.operations.users.create(name)).id for name in names]

    async def follow(self, follower: int, *followees: int) -> None:
        """Follow, and bring that about."""
        for followee in followees:
            await self.operations.follows.follow(follower, followee)
        await self.deliver()

    async def write(self, author: int, *texts: str) -> list[UUID]:
        """Write posts, bring them about, and return their ids."""
        posts = [(await self.operations.posts.create(author, text)).id for text in texts]
        await self.deliver()
        return posts

    def wrote(self, author: int, count: int = 1) -> list[UUID]:
        """Put posts into the post store as if they had been written long ago, and return their ids, oldest first."""
        ids = [new_post_id() for _ in range(count)]
        self.posts.posts.update({post_id: Post(post_id, author, f"by {author}") for post_id in ids})
        return ids

    async def relay(self) -> None:
        """Publish what waits in the outbox."""
        for record in await self.outbox.head(1_000_000):
            await self.log.publish(record.topic, record.key, record.value, record.headers)
            await self.outbox.remove([record.id])

    async def deliver(self) -> None:
        """Bring about all events that were not yet, one after the other."""
        await self.relay()
        while self.delivered < len(self.log.events):
            await self.bring_about(self.log.events[self.delivered])
            self.delivered += 1

    async def bring_about(self, published: Published) -> None:
        """Do for one event what its agent does."""
        event = EVENTS[published.topic].model_validate_json(published.value)
        self.record(event)
        await self.apply(event)

    def record(self, event: Event) -> None:
        """Write an event's row, as the stream's own loop does."""
        if isinstance(event, Followed | Unfollowed):
            self.operations.edges.record(event, self.lease)
        elif isinstance(event, PostDeleted | UserDeleted):
            self.operations.deletions.record(event, self.lease)

    async def apply(self, event: Event) -> None:
        """Bring about the rest of an event."""
        if isinstance(event, PostCreated):
            await self.operations.fan_out.deliver(event, self.lease)
        elif isinstance(event, Followed | Unfollowed):
            await self.operations.edges.apply(event, self.lease)
        elif isinstance(event, PostDeleted | UserDeleted):
            await self.operations.deletions.apply(event, self.lease)
        elif isinstance(event, UserChanged):
            await self.operations.profiles.apply(event, self.lease)

    def expected(self, user: int) -> list[UUID]:
        """Return what the user's timeline must show: all undeleted posts of the user and of those followed, by id."""
        followees = {e.followee for e in self.database.edges.values() if e.follower == user and e.following}
        authors = {user, *followees} & set(self.database.users)
        posts = self.posts.posts.values()
        return sorted((post.id for post in posts if post.author in authors and not post.deleted), reverse=True)

    async def scroll(self, user: int, limit: int = 7) -> list[UUID]:
        """Return a user's whole timeline, by pages of ``limit``."""
        return [item.id for page in await self.pages(user, limit) for item in page.items]

    async def pages(self, user: int, limit: int = 7) -> list[Page[PostView, UUID]]:
        """Return all pages of a user's timeline, from the newest on."""
        pages = [await self.operations.timelines.older(user, None, limit)]
        while position := pages[-1].next:
            pages.append(await self.operations.timelines.older(user, position, limit))
        return pages

    def entries(self, user: int) -> list[bytes]:
        """Return what a user's list in Redis holds."""
        return self.timelines.lists[user].entries

    def entry(self, post_id: UUID) -> bytes:
        """Return the timeline entry of a post."""
        return encode_entry(post_id, self.posts.posts[post_id].author)
