"""The post store in memory."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.models import Post


class FakePosts:
    """The PostStore in memory. ``posts`` is open to tests; while ``down`` every call raises StoreUnavailable.

    A post is two rows, of which a write that was given up may have made one: ``unindexed`` are those that have a body
    alone, ``textless`` those that have an index row alone, ``flagged`` those whose deletion reached the author's index
    alone.
    """

    def __init__(self) -> None:
        self.posts: dict[UUID, Post] = {}
        self.unindexed: set[UUID] = set()
        self.textless: set[UUID] = set()
        self.flagged: set[UUID] = set()
        self.down = False
        #: Deletions that ``delete_all`` makes before it fails; below 0: all.
        self.deletions = -1

    def put_body(self, post: Post) -> None:
        """Write as a put does that was given up half-way: the body is there, the author's index row is not."""
        self.posts[post.id] = post
        self.unindexed.add(post.id)

    async def put(self, post: Post) -> None:
        self._check()
        self.unindexed.discard(post.id)
        self.textless.discard(post.id)
        if post.id not in self.posts or not self.posts[post.id].deleted:
            self.posts[post.id] = post

    async def delete(self, post_id: UUID, author: int) -> None:
        self._check()
        for behind in (self.unindexed, self.textless, self.flagged):
            behind.discard(post_id)
        self.posts[post_id] = Post(post_id, author, "", deleted=True)

    async def delete_all(self, author: int, ids: Sequence[UUID]) -> None:
        for post_id in ids:
            self._check()
            self.flagged.discard(post_id)
            self.posts[post_id] = Post(post_id, author, "", deleted=True)
            self.deletions -= 1
            if not self.deletions:
                raise StoreUnavailable("cassandra", "the test ends it in the middle")

    async def get_many(self, ids: Collection[UUID]) -> Mapping[UUID, Post]:
        self._check()
        return {post_id: self.posts[post_id] for post_id in ids if post_id in self.posts.keys() - self.textless}

    async def indexed(self, author: int, ids: Collection[UUID]) -> Mapping[UUID, bool]:
        self._check()
        found = [self.posts[post_id] for post_id in ids if post_id in self.posts and post_id not in self.unindexed]
        return {post.id: post.deleted or post.id in self.flagged for post in found if post.author == author}

    async def scan(self, after: UUID | None, limit: int) -> Sequence[Post]:
        self._check()
        ids = [post_id for post_id in self.posts if post_id not in self.textless]
        first = 0 if after is None else ids.index(after) + 1
        return [self.posts[post_id] for post_id in ids[first : first + limit]]

    async def newest(self, author: int, before: UUID | None, limit: int) -> Sequence[UUID]:
        return sorted((post_id for post_id in self._of(author) if not before or post_id < before), reverse=True)[:limit]

    async def oldest(self, author: int, after: UUID, limit: int) -> Sequence[UUID]:
        return sorted(post_id for post_id in self._of(author) if post_id > after)[:limit]

    def _of(self, author: int) -> list[UUID]:
        self._check()
        by_author = (post for post in self.posts.values() if post.author == author and not post.deleted)
        return [post.id for post in by_author if post.id not in self.unindexed | self.flagged]

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable("cassandra", "the test says so")
