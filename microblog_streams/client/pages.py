"""Lists, which the API gives in pages linked by the ``Link`` header (RFC 8288).

async for post in client.posts(7):       # all posts, page after page
    ...
page = await client.posts(7).page()      # the first page; page.next is the address of the second
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from microblog_streams.client.errors import BadAnswer, retry_after
from microblog_streams.client.messages import Request, Response
from microblog_streams.client.models import Model
from microblog_streams.client.transport import AuthenticatedTransport, parse

ItemT = TypeVar("ItemT", bound=Model)

#: Items on a page when a whole list is read: the API gives no more.
MAX_PAGE_SIZE: Final = 100

_LINK: Final = re.compile(r'<([^>]*)>((?:\s*;\s*\w+\*?\s*(?:=\s*(?:"[^"]*"|[^",;\s]*))?)*)')
_REL: Final = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]*))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT]):
    """Part of a list. ``next`` and ``prev`` are arguments for ``Listing.page``; None if there is no such page."""

    items: tuple[ItemT, ...]
    next: str | None = None
    prev: str | None = None
    #: Identifies this state of the page; ``Listing.changed`` sends it back.
    etag: str | None = None
    #: False: the page may lack posts; a request after ``retry_after`` seconds may get all of them.
    whole: bool = True
    retry_after: float | None = None


@dataclass(frozen=True)
class Listing(Generic[ItemT]):
    """A list on the server. Iteration requests page after page; items added or removed in between shift nothing."""

    transport: AuthenticatedTransport
    path: str
    item: type[ItemT]
    limit: int = MAX_PAGE_SIZE

    async def page(self, at: str | None = None, *, whole: bool = True) -> Page[ItemT]:
        """Return the first page, or the page at ``next`` or ``prev`` of another page. Raises ClientError.

        With ``whole=False`` the newest page of a timeline that is being rebuilt is returned although it may lack posts.
        """
        return self._page(await self.transport.call(Request("GET", at or self._first, whole=whole)))

    async def changed(self, since: Page[ItemT]) -> Page[ItemT] | None:
        """Return the first page, whole or not; None if it is the same as ``since``. Raises ClientError."""
        headers = {"If-None-Match": since.etag} if since.etag else {}
        response = await self.transport.call(Request("GET", self._first, headers=headers, whole=False))
        return None if response.status == 304 else self._page(response)

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

    def _page(self, response: Response) -> Page[ItemT]:
        related = parse_links(response.headers.get("Link", ""))
        return Page(
            parse(response, tuple[self.item, ...]),  # type: ignore[name-defined]
            related.get("next"),
            related.get("prev"),
            response.headers.get("ETag"),
            whole=not response.incomplete,
            retry_after=retry_after(response),
        )


def parse_links(header: str) -> Mapping[str, str]:
    """Return the target of each relation of a ``Link`` header.

    Raises BadAnswer for a target that is not a path on the same server: the token would be sent to it.
    """
    targets: dict[str, str] = {}
    for target, parameters in _LINK.findall(header):
        if relation := _REL.search(parameters):
            for name in (relation[1] or relation[2]).lower().split():
                targets.setdefault(name, _checked_target(target))
    return targets


def _checked_target(target: str) -> str:
    if not target.startswith("/") or target.startswith("//"):
        raise BadAnswer("a link of the answer leads to another server")
    return target
