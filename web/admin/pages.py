"""Pages for people: HTML from templates that escape every value, allowed to load and to run nothing.

The style stands in the page, named by its hash in the policy: one call gets all of it.
"""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Final

from aiohttp.web import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from web.admin import formatting

_FOLDER: Final = Path(__file__).with_name("templates")
_STYLE: Final = (_FOLDER / "style.css").read_text()
_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
#: With every page: nothing is loaded, framed, sent anywhere or kept.
HEADERS: Final = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

_templates: Final = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_templates.filters |= {
    "count": formatting.count,
    "rough": formatting.rough,
    "size": formatting.size,
    "span": formatting.span,
    "moment": formatting.moment,
    "numbers": formatting.numbers,
}


def page(template: str, **values: object) -> Response:
    """Answer a page."""
    text = _templates.get_template(template).render(style=_STYLE, **values)
    return Response(text=text, content_type="text/html", headers=HEADERS)
