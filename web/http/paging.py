"""Pages: a JSON array, and the URLs of the pages around it in the ``Link`` header (RFC 8288).

Positions (operations) become cursors here, and cursors positions. The URLs are relative to the server, so they
hold behind any gateway.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

from aiohttp.web import Request, Response
from pydantic import TypeAdapter

from microblog_streams.domain import models
from microblog_streams.operations.pages import Page, PostView
from web.api.schemas import User, posts_json
from web.http import cursors, params, responses
from web.http.cursors import Kind, Position
from web.http.problems import RETRY_AFTER

#: Of a page that may lack posts between those it has.
INCOMPLETE: Final = {"Timeline-State": "incomplete", "Retry-After": RETRY_AFTER}

_users = TypeAdapter(list[User])


@dataclass(frozen=True, slots=True)
class Paging:
    """What a request says of the page it wants. ``owner`` is the user in its path, 0 where there is none."""

    path: str
    owner: int
    limit: int
    cursor: str | None

    @classmethod
    def of(cls, request: Request, owner: int = 0) -> Self:
        """Read ``?limit=`` and ``?cursor=``. Raises Invalid."""
        return cls(request.rel_url.raw_path, owner, params.limit(request), params.cursor(request))

    def after(self, kind: Kind) -> int:
        """Return the user id to go on from, 0 for the first page. Raises Invalid (``cursor``)."""
        return cursors.decode_user_position(self.cursor, kind, self.owner) if self.cursor is not None else 0

    def at_post(self, *kinds: Kind) -> tuple[Kind, UUID | None]:
        """Return the post id to go on from, and which of ``kinds``; the first of them for the first page."""
        if self.cursor is None:
            return kinds[0], None
        return cursors.decode_post_position(self.cursor, kinds, self.owner)

    def users(self, page: Page[models.User, int], kind: Kind) -> Response:
        """Answer a page of users."""
        body = _users.dump_json([User.of(user) for user in page.items], by_alias=True)
        return responses.json(body, headers=self._header(self._link("next", kind, page.next)))

    def posts(self, page: Page[PostView, UUID], links: Mapping[str, str]) -> Response:
        """Answer a page of posts, with what ``links`` made for it."""
        return responses.json(posts_json(page.items), headers=links if page.whole else {**links, **INCOMPLETE})

    def links(self, page: Page[Any, UUID], older: Kind, newer: Kind | None = None) -> dict[str, str]:
        """Return a page of posts' ``Link`` header; ``newer`` is the kind of the page above it, if there is one."""
        above = self._link("prev", newer, page.prev) if newer is not None else None
        return self._header(self._link("next", older, page.next), above)

    def _header(self, *links: str | None) -> dict[str, str]:
        header = ", ".join(link for link in links if link)
        return {"Link": header} if header else {}

    def _link(self, rel: str, kind: Kind, position: Position | None) -> str | None:
        if position is None:
            return None
        cursor = cursors.encode(kind, self.owner, position)
        return f'<{self.path}?cursor={cursor}&limit={self.limit}>; rel="{rel}"'
