"""``/admin/``: all workers, partitions and stores on one page, as HTML for people and as JSON for programs.

The HTML page is one file without scripts, so it can be saved and opened anywhere. Its template escapes every value, and
its Content-Security-Policy allows nothing but its own style, by its hash.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Final

from aiohttp.web import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import TypeAdapter

from microblog_streams.cluster_status.models import Page, Report
from microblog_streams.domain.topics import SOURCES
from web.api.view import View
from web.http import responses
from web.http.responses import preferred_type

JSON, HTML = "application/json", "text/html"
#: The page's names of the sections that may be unknown.
SECTIONS: Final = {
    "lag": "events not yet delivered",
    "outbox": "outbox",
    "timelines": "warm timelines",
    "deadLetters": "dead letters",
}
#: Shown for a value that is unknown.
UNKNOWN: Final = "-"

_page = TypeAdapter(Page)
_report = TypeAdapter(Report)

_FOLDER: Final = Path(__file__).with_name("templates")
_STYLE: Final = (_FOLDER / "style.css").read_text()
_STYLE_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
#: The page loads nothing, is not framed, sends nothing and is not cached.
_HTML_HEADERS: Final = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_BYTE_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")


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
        response = _html(page) if preferred_type(request, (JSON, HTML)) == HTML else _json(page)
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
    text = _templates.get_template("overview.html").render(
        style=_STYLE,
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
    return Response(text=text, content_type=HTML, headers=_HTML_HEADERS)


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


def format_count(number: int | None) -> str:
    """Return a number as ``12,345``."""
    return UNKNOWN if number is None else f"{number:,}"


def format_estimate(number: int) -> str:
    """Return a number as ``1,200,000``: only the first two digits of an estimate are significant."""
    return f"{float(f'{number:.2g}'):,.0f}"


def format_bytes(number: int | None) -> str:
    """Return bytes as ``1.5 MiB``."""
    if number is None:
        return UNKNOWN
    step = min(max(number, 1).bit_length() - 1, 10 * len(_BYTE_UNITS) - 1) // 10
    return f"{number / 1024**step:.{1 if step else 0}f} {_BYTE_UNITS[step]}"


def format_duration(seconds: float | None) -> str:
    """Return seconds as ``2 d 3 h``, ``3 h 4 min``, ``4 min`` or ``5 s``."""
    if seconds is None:
        return UNKNOWN
    whole = timedelta(seconds=max(0, int(seconds)))
    hours, minutes = whole.seconds // 3600, whole.seconds // 60 % 60
    if whole.days:
        return f"{whole.days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{whole.seconds} s"


def format_time(at: datetime | None) -> str:
    """Return a time as ``2026-05-17 12:00:00 UTC``."""
    return UNKNOWN if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def format_ranges(values: Sequence[int]) -> str:
    """Return sorted numbers as ``0-3, 6``."""
    runs = groupby(enumerate(values), key=lambda pair: pair[1] - pair[0])
    ends = [(run[0][1], run[-1][1]) for run in (list(pairs) for _, pairs in runs)]
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ends) or UNKNOWN


_templates: Final = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_templates.filters |= {
    "count": format_count,
    "estimate": format_estimate,
    "bytes": format_bytes,
    "duration": format_duration,
    "time": format_time,
    "ranges": format_ranges,
}
