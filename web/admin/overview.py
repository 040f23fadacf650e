"""``/admin/``: all workers and all parts on one page, for people and for programs. Behind the admin token.

The page needs no script and nothing from anywhere else, so it can be saved by one call and opened from the file.
"""

from collections.abc import Iterable
from typing import Final

from aiohttp.web import Request, Response
from pydantic import TypeAdapter

from microblog_streams.cluster_status.models import Page, Report
from microblog_streams.domain.topics import SOURCES
from web.admin.content_negotiation import preferred
from web.admin.pages import page
from web.api.view import View
from web.http import responses

JSON, HTML = "application/json", "text/html"
#: What the page calls the parts that may be away.
PARTS: Final = {
    "lag": "events not yet delivered",
    "outbox": "outbox",
    "timelines": "warm timelines",
    "deadLetters": "dead letters",
}

_page = TypeAdapter(Page)
_report = TypeAdapter(Report)


class Status(View):
    """The overview for programs."""

    async def get(self, request: Request) -> Response:
        """Return it as JSON."""
        return _json(await self.microblog.status_collector.page())


class Overview(View):
    """The same for whoever asks: a page for those who prefer HTML, as browsers do."""

    async def get(self, request: Request) -> Response:
        """Return it in the form that ``Accept`` prefers."""
        seen = await self.microblog.status_collector.page()
        response = _html(seen) if preferred(request, (JSON, HTML)) == HTML else _json(seen)
        response.headers.add("Vary", "Accept")
        return response


class Own(View):
    """What this worker alone tells: the pages of the others are made of it."""

    async def get(self, request: Request) -> Response:
        """Return the report as JSON."""
        return responses.json(_report.dump_json(await self.microblog.local_status.report(), by_alias=True))


def _json(seen: Page) -> Response:
    return responses.json(_page.dump_json(seen, by_alias=True), headers={"Cache-Control": "no-store"})


def _html(seen: Page) -> Response:
    ownerless = _ownerless(seen)
    return page(
        "overview.html",
        page=seen,
        parts=PARTS,
        topics=SOURCES,
        grown=len({line.generation for line in seen.partitions}) > 1,
        ownerless=ownerless,
        bad=bool(seen.problems or seen.away or ownerless),
        behind=_sum(sum(line.lag.values()) if line.lag is not None else None for line in seen.partitions),
        rows=_sum(line.rows for line in seen.partitions),
        warnings=sorted({warning for line in seen.workers for warning in line.warnings}),
    )


def _ownerless(seen: Page) -> dict[int, list[int]]:
    """Return the partitions that nobody has, by generation."""
    found: dict[int, list[int]] = {}
    for line in seen.partitions:
        if not line.owners:
            found.setdefault(line.generation, []).append(line.partition)
    return found


def _sum(parts: Iterable[int | None]) -> int | None:
    """Return the sum, None where a part of it is not known."""
    known = list(parts)
    return None if None in known else sum(part for part in known if part is not None)
