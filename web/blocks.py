"""Who has blocked whom."""

from aiohttp.web import Request, Response

from web import answers
from web.callers import allow
from web.cursors import Kind
from web.once import once
from web.paging import Paging
from web.params import user_id
from web.schemas import Blocking
from web.views import View


class Block(View):
    """One person blocking another. Repeating a call changes nothing."""

    async def post(self, request: Request, blocker: str, blocked: str) -> Response:
        """Block."""
        pair = _pair(blocker, blocked, blocking=True)
        allow(request, pair.blocker_id)
        await self.operations.blocks.block(pair.blocker_id, pair.blocked_id, once(request))
        return answers.one(pair)

    async def delete(self, request: Request, blocker: str, blocked: str) -> Response:
        """Unblock."""
        pair = _pair(blocker, blocked, blocking=False)
        allow(request, pair.blocker_id)
        await self.operations.blocks.unblock(pair.blocker_id, pair.blocked_id)
        return answers.one(pair)


class Blocks(View):
    """Those whom somebody has blocked: their own list."""

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
