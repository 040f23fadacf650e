"""Who has blocked whom."""

from aiohttp.web import Request, Response

from microblog_streams.errors import NotFound
from web import answers
from web.callers import allow
from web.cursors import Kind
from web.described import Who, call
from web.once import once
from web.paging import Paging
from web.params import user_id
from web.schemas import Blocking, User
from web.views import View


class Block(View):
    """One person blocking another. Repeating a call changes nothing."""

    @call("block", Blocking, by=Who.OWNER, once=1, raises=(NotFound,))
    async def post(self, request: Request, blocker: str, blocked: str) -> Response:
        """Block."""
        pair = _pair(blocker, blocked, blocking=True)
        allow(request, pair.blocker_id)
        await self.operations.blocks.block(pair.blocker_id, pair.blocked_id, once(request))
        return answers.one(pair)

    @call("unblock", Blocking, by=Who.OWNER, raises=(NotFound,))
    async def delete(self, request: Request, blocker: str, blocked: str) -> Response:
        """Unblock."""
        pair = _pair(blocker, blocked, blocking=False)
        allow(request, pair.blocker_id)
        await self.operations.blocks.unblock(pair.blocker_id, pair.blocked_id)
        return answers.one(pair)


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
