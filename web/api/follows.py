"""Who follows whom."""

from aiohttp.web import Request, Response

from microblog_streams.domain.errors import Blocked, NotFound, TooManyFollowees
from web.api import schemas
from web.api.endpoint import Who, call
from web.api.view import View
from web.http import responses
from web.http.authorization import allow
from web.http.cursors import Kind
from web.http.idempotency import once
from web.http.paging import Paging
from web.http.params import user_id


class Follow(View):
    """One person following another. Repeating a call changes nothing."""

    @call("follow", schemas.Following, by=Who.OWNER, once=1, raises=(NotFound, Blocked, TooManyFollowees))
    async def post(self, request: Request, follower: str, followee: str) -> Response:
        """Follow."""
        edge = _edge(follower, followee, following=True)
        allow(request, edge.follower_id)
        await self.operations.follows.follow(edge.follower_id, edge.followee_id, once(request))
        return responses.one(edge)

    @call("unfollow", schemas.Following, by=Who.OWNER, raises=(NotFound,))
    async def delete(self, request: Request, follower: str, followee: str) -> Response:
        """Unfollow."""
        edge = _edge(follower, followee, following=False)
        allow(request, edge.follower_id)
        await self.operations.follows.unfollow(edge.follower_id, edge.followee_id)
        return responses.one(edge)


class Followers(View):
    """Those who follow somebody."""

    @call("listFollowers", list[schemas.User], paged=True, raises=(NotFound,))
    async def get(self, request: Request, user: str) -> Response:
        """Return a page of users, by id."""
        paging = Paging.of(request, user_id(user))
        after = paging.after(Kind.FOLLOWERS)
        page = await self.operations.follows.followers(paging.owner, after, paging.limit)
        return paging.users(page, Kind.FOLLOWERS)


class Followees(View):
    """Those whom somebody follows."""

    @call("listFollowees", list[schemas.User], paged=True, raises=(NotFound,))
    async def get(self, request: Request, user: str) -> Response:
        """Return a page of users, by id."""
        paging = Paging.of(request, user_id(user))
        after = paging.after(Kind.FOLLOWEES)
        page = await self.operations.follows.followees(paging.owner, after, paging.limit)
        return paging.users(page, Kind.FOLLOWEES)


def _edge(follower: str, followee: str, following: bool) -> schemas.Following:
    return schemas.Following(
        follower_id=user_id(follower, "followerId"), followee_id=user_id(followee, "followeeId"), following=following
    )
