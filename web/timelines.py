"""Home timelines: what somebody and those whom they follow wrote, newest first."""

from aiohttp.web import Request, Response

from microblog_streams.errors import NotFound, Unfinished
from web import schemas
from web.callers import allow
from web.cursors import Kind
from web.described import Who, call
from web.paging import INCOMPLETE, Paging
from web.params import user_id
from web.views import View


class Timeline(View):
    """One person's home timeline."""

    @call(
        "getTimeline",
        list[schemas.Post],
        paged=True,
        by=Who.OWNER,
        headers=tuple(INCOMPLETE),
        raises=(NotFound, Unfinished),
    )
    async def get(self, request: Request, user: str) -> Response:
        """Return a page of posts: from the top, older than a cursor, or newer than one. One's own alone."""
        allow(request, user_id(user))
        paging = Paging.of(request, user_id(user))
        kind, position = paging.at_post(Kind.OLDER, Kind.NEWER)
        if kind is Kind.NEWER and position is not None:
            page = await self.operations.timelines.newer(paging.owner, position, paging.limit)
        else:
            page = await self.operations.timelines.older(paging.owner, position, paging.limit)
        return paging.posts(page, Kind.OLDER, Kind.NEWER)
