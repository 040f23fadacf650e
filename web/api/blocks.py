"""Blocking users."""

from aiohttp.web import Request, Response

from microblog_streams.domain.errors import NotFound
from web.api.schemas import Blocking, User, users_json
from web.api.view import Access, View, endpoint
from web.http import responses
from web.http.authorization import require_user
from web.http.idempotency import idempotency_key
from web.http.paging import CursorKind, Paging
from web.http.params import user_id


class Block(View):
    """A block between two users. Repeating a call changes nothing."""

    @endpoint("getBlock", Blocking, access=Access.OWNER, raises=(NotFound,))
    async def get(self, request: Request, blocker: str, blocked: str) -> Response:
        """Return whether the caller blocks another user."""
        block = _block(blocker, blocked, blocking=True)
        require_user(request, block.blocker_id)
        blocks = await self.operations.blocks.blocks(block.blocker_id, block.blocked_id)
        return responses.model(block.model_copy(update={"blocking": blocks}))

    @endpoint("block", Blocking, access=Access.OWNER, min_key_length=1, raises=(NotFound,))
    async def post(self, request: Request, blocker: str, blocked: str) -> Response:
        """Block a user."""
        block = _block(blocker, blocked, blocking=True)
        require_user(request, block.blocker_id)
        await self.operations.blocks.block(block.blocker_id, block.blocked_id, idempotency_key(request))
        return responses.model(block)

    @endpoint("unblock", Blocking, access=Access.OWNER, raises=(NotFound,))
    async def delete(self, request: Request, blocker: str, blocked: str) -> Response:
        """Unblock a user."""
        block = _block(blocker, blocked, blocking=False)
        require_user(request, block.blocker_id)
        await self.operations.blocks.unblock(block.blocker_id, block.blocked_id)
        return responses.model(block)


class Blocks(View):
    """The users whom a user has blocked."""

    @endpoint("listBlocks", list[User], paged=True, access=Access.OWNER, raises=(NotFound,))
    async def get(self, request: Request, user: str) -> Response:
        """List the users whom the caller has blocked, by id."""
        paging = Paging.of(request, user_id(user))
        require_user(request, paging.owner)
        after = paging.user_position(CursorKind.BLOCKS)
        page = await self.operations.blocks.blocked(paging.owner, after, paging.limit)
        return responses.json(users_json(page.items), headers=paging.links(page, CursorKind.BLOCKS))


def _block(blocker: str, blocked: str, blocking: bool) -> Blocking:
    return Blocking(
        blocker_id=user_id(blocker, "blockerId"), blocked_id=user_id(blocked, "blockedId"), blocking=blocking
    )
