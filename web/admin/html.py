"""HTML pages for operators: one file each, without scripts, so that it can be saved and opened anywhere.

Templates escape every value. The Content-Security-Policy allows nothing but the page's own style, by its hash, and
forms that lead to this server where a page has some.
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Final

from aiohttp.web import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

MEDIA_TYPE: Final = "text/html"
#: Shown for a value that is unknown.
UNKNOWN: Final = "-"

_FOLDER: Final = Path(__file__).with_name("templates")
_STYLE: Final = (_FOLDER / "style.css").read_text()
_STYLE_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
#: The page loads nothing, is not framed and is not cached.
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    # With no-referrer, a browser would not say in Origin which page sends a form.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_BYTE_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")


def page(template: str, status: int = 200, forms: bool = False, **values: object) -> Response:
    """Return a template's page; ``forms``: whether it sends any. ``values`` are the template's own."""
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
        f"form-action '{'self' if forms else 'none'}'; frame-ancestors 'none'"
    )
    text = _templates.get_template(template).render(style=_STYLE, **values)
    headers = _HEADERS | {"Content-Security-Policy": policy}
    return Response(text=text, status=status, content_type=MEDIA_TYPE, headers=headers)


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
    return UNKNOWN if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


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
