"""Who has blocked whom."""

from aiohttp.web import Request, Response

from microblog_streams.domain.errors import NotFound
from web.api.endpoint import Who, call
from web.api.schemas import Blocking, User
from web.api.view import View
from web.http import responses
from web.http.authorization import allow
from web.http.cursors import Kind
from web.http.idempotency import once
from web.http.paging import Paging
from web.http.params import user_id


class Block(View):
    """One person blocking another. Repeating a call changes nothing."""

    @call("block", Blocking, by=Who.OWNER, once=1, raises=(NotFound,))
    async def post(self, request: Request, blocker: str, blocked: str) -> Response:
        """Block."""
        pair = _pair(blocker, blocked, blocking=True)
        allow(request, pair.blocker_id)
        await self.operations.blocks.block(pair.blocker_id, pair.blocked_id, once(request))
        return responses.one(pair)

    @call("unblock", Blocking, by=Who.OWNER, raises=(NotFound,))
    async def delete(self, request: Request, blocker: str, blocked: str) -> Response:
        """Unblock."""
        pair = _pair(blocker, blocked, blocking=False)
        allow(request, pair.blocker_id)
        await self.operations.blocks.unblock(pair.blocker_id, pair.blocked_id)
        return responses.one(pair)


class Blocks(View):
    """Those whom somebody has blocked: their own list."""

    @call("listBlocks", list[User], paged=True, by=Who.OWNER, raises=(NotFound,))
    async def get(self, request: Request, user: str) -> Response:
        """Return a page of users, by id."""
        paging = Paging.of(request, user_id(user))
        allow(request, paging.owner)
        after = paging.after(Kind.BLOCKS)
        page = await self.operations.blocks.blocked(paging.owner, after, paging.limit)
        return paging.users(page, Kind.BLOCKS)


def _pair(blocker: str, blocked: str, blocking: bool) -> Blocking:
    return Blocking(
        blocker_id=user_id(blocker, "blockerId"), blocked_id=user_id(blocked, "blockedId"), blocking=blocking
    )
