"""One edge, or an author's followers, as the followers table has them; for operators, behind the admin token.

Any worker answers: it forwards the request once, to the worker that has the author's partition.
"""

from collections.abc import Callable
from typing import Self, cast

from aiohttp.web import Request, Response
from faust.exceptions import SameNode
from faust.types.web import Request as FaustRequest

from microblog_streams.domain.errors import Invalid
from microblog_streams.ports import Row
from web.api.schemas import Time
from web.api.view import View
from web.http import params, responses
from web.http.paging import CursorKind, decode_user_cursor, encode_cursor
from web.http.params import user_id
from web.http.responses import ResponseModel

TABLE = "followers"
#: Rows of a page: all are read at once, within a millisecond or two.
DEFAULT_LIMIT, MAX_LIMIT = 100, 500


class EdgeRow(ResponseModel):
    """A row of the followers table."""

    follower_id: int
    following: bool
    version: int
    changed_at: Time

    @classmethod
    def of(cls, follower: int, row: Row) -> Self:
        """Return a row's JSON."""
        return cls(follower_id=follower, following=row.following, version=row.version, changed_at=row.changed_at)


class RowLocation(ResponseModel):
    """The author of rows, and the worker whose table has them."""

    author_id: int
    author_deleted: bool
    partition: int
    worker: str


class SingleRow(RowLocation):
    """The row of an edge."""

    row: EdgeRow


class RowPage(RowLocation):
    """A page of an author's rows; ``next`` is the path of the next page, None after the last."""

    rows: list[EdgeRow]
    next: str | None


class FollowerTableView(View):
    """A view of rows that one worker has."""

    async def on_owner(self, request: Request, author: int, respond: Callable[[], Response]) -> Response:
        """Return the response of the worker that has the author's rows: ``respond()`` if it is this one."""
        try:
            routed = await self.app.router.route_req(TABLE, f"{author}:0", self.web, cast(FaustRequest, request))
        except SameNode:
            return respond()
        return cast(Response, routed)

    def location(self, author: int) -> dict[str, object]:
        """Return the fields of ``RowLocation``. Raises WorkerUnavailable."""
        rows = self.microblog.rows
        return {
            "author_id": author,
            "author_deleted": rows.deleted(author),
            "partition": rows.partition_of(author),
            "worker": rows.worker,
        }


class Edge(FollowerTableView):
    """One edge, as ``author:follower``."""

    async def get(self, request: Request, edge: str) -> Response:
        """Return its row."""
        author, follower = _parse_edge(edge)
        return await self.on_owner(request, author, lambda: self._row(author, follower))

    def _row(self, author: int, follower: int) -> Response:
        row = EdgeRow.of(follower, self.microblog.rows.edge(author, follower))
        return responses.model(SingleRow.model_validate(self.location(author) | {"row": row}))


class FollowerRows(FollowerTableView):
    """An author's rows, by follower."""

    async def get(self, request: Request, author: str) -> Response:
        """Return a page of them."""
        ident = user_id(author, "authorId")
        limit = params.limit(request, DEFAULT_LIMIT, MAX_LIMIT)
        cursor = params.cursor(request)
        after = decode_user_cursor(cursor, CursorKind.FOLLOWER_ROWS, ident) if cursor is not None else 0
        return await self.on_owner(request, ident, lambda: self._page(ident, after, limit))

    def _page(self, author: int, after: int, limit: int) -> Response:
        page = self.microblog.rows.page(author, after, limit)
        next_path = _path(author, page.last, limit) if page.last is not None else None
        rows = [EdgeRow.of(follower, row) for follower, row in page.rows]
        content = RowPage.model_validate(self.location(author) | {"rows": rows, "next": next_path})
        headers = {"Link": f'<{next_path}>; rel="next"'} if next_path else {}
        return responses.json(content.model_dump_json(by_alias=True).encode(), headers=headers)


def _parse_edge(text: str) -> tuple[int, int]:
    author, colon, follower = text.partition(":")
    if not colon:
        raise Invalid("edge", "must be two user ids with a colon between them: author:follower")
    return user_id(author, "authorId"), user_id(follower, "followerId")


def _path(author: int, after: int, limit: int) -> str:
    cursor = encode_cursor(CursorKind.FOLLOWER_ROWS, author, after)
    return f"/admin/followers/{author}?cursor={cursor}&limit={limit}"
