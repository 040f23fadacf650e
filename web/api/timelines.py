"""Home timelines: what somebody and those whom they follow wrote, newest first.

Timelines are polled, so a caller who says what they have (``If-None-Match``) gets nothing where nothing is new.
"""

from uuid import UUID

from aiohttp.web import Request, Response

from microblog_streams.domain.errors import NotFound, Unfinished
from microblog_streams.operations.pages import Page, PostView
from web.api import schemas
from web.api.endpoint import Who, call
from web.api.view import View
from web.http import etags
from web.http.authorization import allow
from web.http.cursors import Kind
from web.http.paging import INCOMPLETE, Paging
from web.http.params import user_id

_KINDS = (Kind.OLDER, Kind.NEWER)


class Timeline(View):
    """One person's home timeline."""

    @call(
        "getTimeline",
        list[schemas.Post],
        paged=True,
        tagged=True,
        by=Who.OWNER,
        headers=tuple(INCOMPLETE),
        raises=(NotFound, Unfinished),
    )
    async def get(self, request: Request, user: str) -> Response:
        """Return a page of one's own: from the top, older than a cursor, or newer than one; 304 where it is known."""
        allow(request, user_id(user))
        paging = Paging.of(request, user_id(user))
        page = await self._page(paging)
        links = paging.links(page, *_KINDS)
        # One that is not whole has no tag: it is to be asked for until it is.
        if page.whole:
            return etags.answered(request, page.items, links, lambda: paging.posts(page, links))
        answer = paging.posts(page, links)
        answer.headers.update(etags.CACHING)
        return answer

    async def _page(self, paging: Paging) -> Page[PostView, UUID]:
        kind, position = paging.at_post(*_KINDS)
        if kind is Kind.NEWER and position is not None:
            return await self.operations.timelines.newer(paging.owner, position, paging.limit)
        return await self.operations.timelines.older(paging.owner, position, paging.limit)
