"""``/admin/``: all workers, partitions and stores on one page, as HTML for people and as JSON for programs."""

from collections.abc import Iterable
from typing import Final

from aiohttp.web import Request, Response
from pydantic import TypeAdapter

from microblog_streams.cluster_status.models import Page, Report
from microblog_streams.domain.topics import SOURCES
from web.admin import html
from web.api.view import View
from web.http import responses
from web.http.responses import preferred_type

JSON: Final = "application/json"
#: The page's names of the sections that may be unknown.
SECTIONS: Final = {
    "lag": "events not yet delivered",
    "outbox": "outbox",
    "timelines": "warm timelines",
    "deadLetters": "dead letters",
}

_page = TypeAdapter(Page)
_report = TypeAdapter(Report)


class Status(View):
    """The overview as JSON."""

    async def get(self, request: Request) -> Response:
        """Return it."""
        return _json(await self.microblog.status_collector.page())


class Overview(View):
    """The overview as HTML for clients that prefer it, as browsers do, else as JSON."""

    async def get(self, request: Request) -> Response:
        """Return it in the type that ``Accept`` prefers."""
        page = await self.microblog.status_collector.page()
        response = _html(page) if preferred_type(request, (JSON, html.MEDIA_TYPE)) == html.MEDIA_TYPE else _json(page)
        response.headers.add("Vary", "Accept")
        return response


class WorkerStatus(View):
    """The status of this worker alone, from which other workers make the overview."""

    async def get(self, request: Request) -> Response:
        """Return it as JSON."""
        return responses.json(_report.dump_json(await self.microblog.local_status.report(), by_alias=True))


def _json(page: Page) -> Response:
    return responses.json(_page.dump_json(page, by_alias=True), headers={"Cache-Control": "no-store"})


def _html(page: Page) -> Response:
    unassigned = _unassigned(page)
    return html.page(
        "overview.html",
        page=page,
        sections=SECTIONS,
        topics=SOURCES,
        has_two_topic_sets=len({line.generation for line in page.partitions}) > 1,
        unassigned=unassigned,
        has_problems=bool(page.problems or page.away or unassigned),
        lag=_sum(sum(line.lag.values()) if line.lag is not None else None for line in page.partitions),
        rows=_sum(line.rows for line in page.partitions),
        warnings=sorted({warning for line in page.workers for warning in line.warnings}),
    )


def _unassigned(page: Page) -> dict[int, list[int]]:
    """Return the partitions that no worker has, by topic set."""
    found: dict[int, list[int]] = {}
    for line in page.partitions:
        if not line.owners:
            found.setdefault(line.generation, []).append(line.partition)
    return found


def _sum(values: Iterable[int | None]) -> int | None:
    """Return the sum, None if one of the values is unknown."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)
