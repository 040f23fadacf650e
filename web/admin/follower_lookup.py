"""What the followers table says of an edge, or of an author's followers, asked of whichever worker one likes.

A request goes on to the worker that has the author's partition, once and no further. Behind the admin token.
"""

from collections.abc import Callable
from typing import Self, cast

from aiohttp.web import Request, Response
from faust.exceptions import SameNode
from faust.types.web import Request as FaustRequest

from microblog_streams.domain.errors import Invalid
from microblog_streams.ports import Row
from web.api.schemas import Answer, Time
from web.api.view import View
from web.http import cursors, params, responses
from web.http.cursors import Kind
from web.http.params import user_id

TABLE = "followers"
#: Rows of a page, unless it is told otherwise, and at most: they are read in one go, within a millisecond or two.
DEFAULT_LIMIT, MAX_LIMIT = 100, 500


class EdgeRow(Answer):
    """One row."""

    follower_id: int
    following: bool
    version: int
    changed_at: Time

    @classmethod
    def of(cls, follower: int, row: Row) -> Self:
        """Return a row's JSON."""
        return cls(follower_id=follower, following=row.following, version=row.version, changed_at=row.changed_at)


class Place(Answer):
    """Whose rows they are, and which worker's table says so."""

    author_id: int
    author_deleted: bool
    partition: int
    worker: str


class OneRow(Place):
    """An edge."""

    row: EdgeRow


class RowPage(Place):
    """A page of an author's rows; ``next`` is the path of the next one, None at the end."""

    rows: list[EdgeRow]
    next: str | None


class Rows(View):
    """What both pages share."""

    async def at_the_owner(self, request: Request, author: int, answer: Callable[[], Response]) -> Response:
        """Return the answer of the worker that has the author's rows: ``answer()`` where it is this one."""
        try:
            routed = await self.app.router.route_req(TABLE, f"{author}:0", self.web, cast(FaustRequest, request))
        except SameNode:
            return answer()
        return cast(Response, routed)

    def place(self, author: int) -> dict[str, object]:
        """Return the fields of ``Place``. Raises WorkerUnavailable."""
        rows = self.microblog.rows
        return {
            "author_id": author,
            "author_deleted": rows.deleted(author),
            "partition": rows.partition_of(author),
            "worker": rows.worker,
        }


class Edge(Rows):
    """One edge, as ``author:follower``."""

    async def get(self, request: Request, edge: str) -> Response:
        """Return its row."""
        author, follower = _edge(edge)
        return await self.at_the_owner(request, author, lambda: self._row(author, follower))

    def _row(self, author: int, follower: int) -> Response:
        row = EdgeRow.of(follower, self.microblog.rows.edge(author, follower))
        return responses.one(OneRow.model_validate(self.place(author) | {"row": row}))


class FollowerRows(Rows):
    """An author's rows, by follower."""

    async def get(self, request: Request, author: str) -> Response:
        """Return a page of them."""
        ident = user_id(author, "authorId")
        limit = params.limit(request, DEFAULT_LIMIT, MAX_LIMIT)
        cursor = params.cursor(request)
        after = cursors.decode_user_position(cursor, Kind.ROWS, ident) if cursor is not None else 0
        return await self.at_the_owner(request, ident, lambda: self._page(ident, after, limit))

    def _page(self, author: int, after: int, limit: int) -> Response:
        page = self.microblog.rows.page(author, after, limit)
        following = _path(author, page.last, limit) if page.last is not None else None
        rows = [EdgeRow.of(follower, row) for follower, row in page.rows]
        answer = RowPage.model_validate(self.place(author) | {"rows": rows, "next": following})
        headers = {"Link": f'<{following}>; rel="next"'} if following else {}
        return responses.json(answer.model_dump_json(by_alias=True).encode(), headers=headers)


def _edge(text: str) -> tuple[int, int]:
    author, colon, follower = text.partition(":")
    if not colon:
        raise Invalid("edge", "must be two users' ids with a colon between them: author:follower")
    return user_id(author, "authorId"), user_id(follower, "followerId")


def _path(author: int, after: int, limit: int) -> str:
    return f"/admin/followers/{author}?cursor={cursors.encode(Kind.ROWS, author, after)}&limit={limit}"
