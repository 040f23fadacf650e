"""Lists that come in pages: read one page, or just go on and on.

async for post in client.posts(7):       # all of them, page after page
    ...
page = await client.posts(7).page()      # the first one, and where it goes on
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from microblog_streams.client.authenticated_transport import Caller, parse
from microblog_streams.client.links import links
from microblog_streams.client.messages import Answer, Request
from microblog_streams.client.models import Model
from microblog_streams.client.problems import retry_after

ItemT = TypeVar("ItemT", bound=Model)

#: Items of a page when all of a list is read: the most that the API gives.
LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT]):
    """A part of a list. ``next`` and ``prev`` are what ``Listing.page`` takes; None: there is nothing there."""

    items: tuple[ItemT, ...]
    next: str | None = None
    prev: str | None = None
    #: Names this state of the page; sent back, it makes the server say whether anything changed.
    etag: str | None = None
    #: False: it may lack posts, and is worth asking for again after ``retry_after`` seconds.
    whole: bool = True
    retry_after: float | None = None


@dataclass(frozen=True)
class Listing(Generic[ItemT]):
    """A list on the server. Iterating reads it page by page; pages stay right while items come and go."""

    caller: Caller
    path: str
    item: type[ItemT]
    limit: int = LARGEST_PAGE

    async def page(self, at: str | None = None, *, whole: bool = True) -> Page[ItemT]:
        """Return the first page, or the one that ``next`` or ``prev`` of another leads to. Raises ClientError.

        With ``whole=False`` the newest page of a timeline that is being put together comes as it is.
        """
        return self._page(await self.caller.call(Request("GET", at or self._first, whole=whole)))

    async def changed(self, since: Page[ItemT]) -> Page[ItemT] | None:
        """Return the first page anew, whole or not; None where it is what it was. Raises ClientError."""
        headers = {"If-None-Match": since.etag} if since.etag else {}
        answer = await self.caller.call(Request("GET", self._first, headers=headers, whole=False))
        return None if answer.status == 304 else self._page(answer)

    async def __aiter__(self) -> AsyncIterator[ItemT]:
        """Yield every item. Raises ClientError."""
        page = await self.page()
        while True:
            for item in page.items:
                yield item
            if page.next is None:
                return
            page = await self.page(page.next)

    @property
    def _first(self) -> str:
        return f"{self.path}?limit={self.limit}"

    def _page(self, answer: Answer) -> Page[ItemT]:
        related = links(answer.headers.get("Link", ""))
        return Page(
            parse(answer, tuple[self.item, ...]),  # type: ignore[name-defined]
            related.get("next"),
            related.get("prev"),
            answer.headers.get("ETag"),
            whole=not answer.incomplete,
            retry_after=retry_after(answer),
        )
