"""Posts: writing, reading, deleting, and the timelines that they land on."""

from collections.abc import AsyncGenerator
from uuid import UUID

from microblog_streams.client.authenticated_transport import Caller
from microblog_streams.client.errors import Trouble, unheeded
from microblog_streams.client.messages import Request, post
from microblog_streams.client.models import Post
from microblog_streams.client.pages import LARGEST_PAGE, Listing
from microblog_streams.client.paths import path
from microblog_streams.client.polling import EVERY, PAGE, Watch


class Posts:
    """What a client can do with posts. Whose they are is the client's own person unless another is named."""

    _caller: Caller

    async def post(self, content: str, author: int | None = None) -> Post:
        """Write a post. It is safe once this returns. Raises Invalid, Forbidden; OutcomeUnknown and Unreachable: maybe.

        Tries again by itself, and is done once however often it tries.
        """
        body = {"userId": self._whose(author), "content": content}
        written: Post = await self._caller.read(post("/posts/", body), Post)
        return written

    async def get_post(self, post_id: UUID | str) -> Post:
        """Return a post. Raises NotFound."""
        found: Post = await self._caller.read(Request("GET", path("posts", post_id)), Post)
        return found

    async def delete_post(self, post_id: UUID | str) -> None:
        """Delete a post. Raises NotFound, Forbidden."""
        await self._caller.call(Request("DELETE", path("posts", post_id)))

    def posts(self, author: int | None = None, page_size: int = LARGEST_PAGE) -> Listing[Post]:
        """Return the list of what somebody wrote, newest first."""
        return Listing(self._caller, path("users", self._whose(author), "posts"), Post, page_size)

    def timeline(self, user: int | None = None, page_size: int = LARGEST_PAGE) -> Listing[Post]:
        """Return a home timeline: what its owner and everybody whom they follow wrote, newest first."""
        return Listing(self._caller, path("timelines", self._whose(user)), Post, page_size)

    def watch(
        self, user: int | None = None, every: float = EVERY, trouble: Trouble = unheeded
    ) -> AsyncGenerator[Post, None]:
        """Yield what is new on a home timeline from now on, oldest first, without end; looks every ``every`` seconds.

        While the server is away it goes on asking, and tells ``trouble`` of each error. Raises what will not pass
        (NotFound, Forbidden, Unauthenticated).
        """
        return Watch(self.timeline(user, PAGE), every, trouble).posts()

    def _whose(self, user: int | None) -> int:
        return self._caller.me if user is None else user
