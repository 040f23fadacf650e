"""Who follows whom, and who blocks whom."""

from microblog_streams.client.authenticated_transport import Caller
from microblog_streams.client.messages import Request, post
from microblog_streams.client.models import Blocking, Following, User
from microblog_streams.client.pages import LARGEST_PAGE, Listing
from microblog_streams.client.paths import path


class Follows:
    """What a client can do between people. Who acts is the client's own person unless another is named."""

    _caller: Caller

    async def follow(self, followee: int, follower: int | None = None) -> Following:
        """Follow somebody; again changes nothing. Raises NotFound, Forbidden, Blocked, TooManyFollowees."""
        following: Following = await self._caller.read(post(self._edge(follower, "follow", followee)), Following)
        return following

    async def unfollow(self, followee: int, follower: int | None = None) -> Following:
        """Follow somebody no longer; again changes nothing. Raises Forbidden."""
        request = Request("DELETE", self._edge(follower, "follow", followee))
        following: Following = await self._caller.read(request, Following)
        return following

    async def block(self, blocked: int, blocker: int | None = None) -> Blocking:
        """Block somebody: neither follows the other any more, nor can. Raises NotFound, Forbidden."""
        blocking: Blocking = await self._caller.read(post(self._edge(blocker, "block", blocked)), Blocking)
        return blocking

    async def unblock(self, blocked: int, blocker: int | None = None) -> Blocking:
        """Block somebody no longer. Raises Forbidden."""
        request = Request("DELETE", self._edge(blocker, "block", blocked))
        blocking: Blocking = await self._caller.read(request, Blocking)
        return blocking

    def followers(self, user: int | None = None, page_size: int = LARGEST_PAGE) -> Listing[User]:
        """Return the list of those who follow somebody, by id."""
        return Listing(self._caller, path("users", self._who(user), "followers"), User, page_size)

    def followees(self, user: int | None = None, page_size: int = LARGEST_PAGE) -> Listing[User]:
        """Return the list of those whom somebody follows, by id."""
        return Listing(self._caller, path("users", self._who(user), "followees"), User, page_size)

    def blocks(self, page_size: int = LARGEST_PAGE) -> Listing[User]:
        """Return the list of those whom one blocks."""
        return Listing(self._caller, path("users", self._caller.me, "blocks"), User, page_size)

    def _edge(self, actor: int | None, verb: str, other: int) -> str:
        return path("users", self._who(actor), verb, other)

    def _who(self, user: int | None) -> int:
        return self._caller.me if user is None else user
