"""The caches in memory. They forget nothing by themselves; a test that needs it empties ``kept``."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import entry_author, entry_post_id
from microblog_streams.domain.models import Post, PostView, User
from microblog_streams.ports import CachedPage


class FakePostCache:
    """The PostCache in memory. ``kept`` is open to tests; while ``down`` every call raises StoreUnavailable."""

    def __init__(self) -> None:
        self.kept: dict[UUID, Post] = {}
        self.known: set[UUID] = set()
        self.down = False

    async def get_many(self, ids: Sequence[UUID]) -> Mapping[UUID, Post]:
        _check(self.down)
        return {post_id: self.kept[post_id] for post_id in ids if post_id in self.kept}

    async def fill(self, posts: Collection[Post], stored: bool = False) -> None:
        _check(self.down)
        for post in posts:
            if stored and post.id not in self.kept:
                self.known.add(post.id)
            if post.deleted:
                self.kept[post.id] = Post(post.id, post.author, "", deleted=True)
            else:
                self.kept.setdefault(post.id, post)

    async def stored(self, post_id: UUID) -> bool:
        _check(self.down)
        post = self.kept.get(post_id)
        return post is not None and not post.deleted and post_id in self.known

    async def delete(self, post_id: UUID, author: int) -> None:
        await self.fill([Post(post_id, author, "", deleted=True)])


class FakeUserCache:
    """The UserCache in memory. ``kept`` is open to tests; while ``down`` every call raises StoreUnavailable."""

    def __init__(self) -> None:
        self.kept: dict[int, User | None] = {}
        self.down = False

    async def get_many(self, ids: Collection[int]) -> Mapping[int, User | None]:
        _check(self.down)
        return {user: self.kept[user] for user in ids if user in self.kept}

    async def fill(self, users: Collection[User]) -> None:
        _check(self.down)
        for user in users:
            self.kept.setdefault(user.id, user)

    async def replace(self, user: User) -> None:
        _check(self.down)
        self.kept[user.id] = user

    async def delete(self, user: int) -> None:
        _check(self.down)
        self.kept[user] = None


class FakePageCache:
    """The Shelf over both caches in memory: it is down where either is."""

    def __init__(self, posts: FakePostCache, users: FakeUserCache) -> None:
        self._posts, self._users = posts, users

    async def page(self, entries: Sequence[bytes], owner: int | None) -> CachedPage:
        ids, authors = [entry_post_id(entry) for entry in entries], [entry_author(entry) for entry in entries]
        people = {*authors, owner} - {None}
        posts, users = await self._posts.get_many(ids), await self._users.get_many(people)
        missing = any(post not in posts for post in ids) or any(author not in users for author in authors)
        shown = [
            PostView(post.id, post.author, author.username, post.content)
            for ident in ids
            if (post := posts.get(ident)) and not post.deleted and (author := users.get(post.author))
        ]
        return CachedPage(None if missing else shown, users, posts)


def _check(down: bool) -> None:
    if down:
        raise StoreUnavailable("redis", "the test says so")
