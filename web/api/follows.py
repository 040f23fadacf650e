"""Following users."""

from aiohttp.web import Request, Response

from microblog_streams.domain.errors import Blocked, NotFound, TooManyFollowees
from web.api.schemas import Following, User, users_json
from web.api.view import Access, View, endpoint
from web.http import responses
from web.http.authorization import require_user
from web.http.idempotency import idempotency_key
from web.http.paging import CursorKind, Paging
from web.http.params import user_id


class Follow(View):
    """An edge between two users. Repeating a call changes nothing."""

    @endpoint("getFollow", Following, raises=(NotFound,))
    async def get(self, request: Request, follower: str, followee: str) -> Response:
        """Return whether a user follows another."""
        edge = _edge(follower, followee, following=True)
        follows = await self.operations.follows.follows(edge.follower_id, edge.followee_id)
        return responses.model(edge.model_copy(update={"following": follows}))

    @endpoint("follow", Following, access=Access.OWNER, min_key_length=1, raises=(NotFound, Blocked, TooManyFollowees))
    async def post(self, request: Request, follower: str, followee: str) -> Response:
        """Follow a user."""
        edge = _edge(follower, followee, following=True)
        require_user(request, edge.follower_id)
        await self.operations.follows.follow(edge.follower_id, edge.followee_id, idempotency_key(request))
        return responses.model(edge)

    @endpoint("unfollow", Following, access=Access.OWNER, raises=(NotFound,))
    async def delete(self, request: Request, follower: str, followee: str) -> Response:
        """Unfollow a user."""
        edge = _edge(follower, followee, following=False)
        require_user(request, edge.follower_id)
        await self.operations.follows.unfollow(edge.follower_id, edge.followee_id)
        return responses.model(edge)


class Followers(View):
    """The users who follow a user."""

    @endpoint("listFollowers", list[User], paged=True, raises=(NotFound,))
    async def get(self, request: Request, user: str) -> Response:
        """List a user's followers, by id."""
        paging = Paging.of(request, user_id(user))
        after = paging.user_position(CursorKind.FOLLOWERS)
        page = await self.operations.follows.followers(paging.owner, after, paging.limit)
        return responses.json(users_json(page.items), headers=paging.links(page, CursorKind.FOLLOWERS))


class Followees(View):
    """The users whom a user follows."""

    @endpoint("listFollowees", list[User], paged=True, raises=(NotFound,))
    async def get(self, request: Request, user: str) -> Response:
        """List the users whom a user follows, by id."""
        paging = Paging.of(request, user_id(user))
        after = paging.user_position(CursorKind.FOLLOWEES)
        page = await self.operations.follows.followees(paging.owner, after, paging.limit)
        return responses.json(users_json(page.items), headers=paging.links(page, CursorKind.FOLLOWEES))


def _edge(follower: str, followee: str, following: bool) -> Following:
    return Following(
        follower_id=user_id(follower, "followerId"), followee_id=user_id(followee, "followeeId"), following=following
    )
