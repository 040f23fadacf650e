"""The post store in memory."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from microblog_streams.errors import StoreUnavailable
from microblog_streams.records import Post


class FakePosts:
    """The PostStore in memory. ``posts`` is open to tests; while ``down`` every call raises StoreUnavailable.

    A post is two rows, of which a write that failed may have made one: ``unindexed`` are those that have a body alone.
    """

    def __init__(self) -> None:
        self.posts: dict[UUID, Post] = {}
        self.unindexed: set[UUID] = set()
        self.down = False

    def put_body(self, post: Post) -> None:
        """Write as a put does that was given up half-way: the body is there, the author's index row is not."""
        self.posts[post.id] = post
        self.unindexed.add(post.id)

    async def put(self, post: Post) -> None:
        self._check()
        self.unindexed.discard(post.id)
        if post.id not in self.posts or not self.posts[post.id].deleted:
            self.posts[post.id] = post

    async def delete(self, post_id: UUID, author: int) -> None:
        self._check()
        self.posts[post_id] = Post(post_id, author, "", deleted=True)

    async def get_many(self, ids: Collection[UUID]) -> Mapping[UUID, Post]:
        self._check()
        return {post_id: self.posts[post_id] for post_id in ids if post_id in self.posts}

    async def newest(self, author: int, before: UUID | None, limit: int, strong: bool = True) -> Sequence[UUID]:
        return sorted((post_id for post_id in self._of(author) if not before or post_id < before), reverse=True)[:limit]

    async def oldest(self, author: int, after: UUID, limit: int) -> Sequence[UUID]:
        return sorted(post_id for post_id in self._of(author) if post_id > after)[:limit]

    def _of(self, author: int) -> list[UUID]:
        self._check()
        by_author = (post for post in self.posts.values() if post.author == author and not post.deleted)
        return [post.id for post in by_author if post.id not in self.unindexed]

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable("cassandra", "the test says so")
