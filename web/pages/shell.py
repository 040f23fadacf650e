"""``/``: the page for browsers, and for programs the way to the API.

The page is one document without content of its own: its script fetches what it shows, as any client of the API would.
It is asked for each time (``no-cache``), and names its files by their version.
"""

from typing import Final

from aiohttp.web import Request, Response

from web.api.view import View
from web.http import responses
from web.http.responses import CachedFile, preferred_type
from web.pages import html

_JSON: Final = "application/json"
_ENTRY_POINTS: Final = {"api": "/docs", "openapi": "/openapi.json", "health": "/health", "page": "/"}


class Shell(html.Page):
    """The page."""

    async def get(self, request: Request) -> Response:
        """Return the page, or the addresses of the API for a client that does not prefer HTML."""
        if preferred_type(request, (_JSON, html.HTML)) == html.HTML:
            response = self.page(request, "shell.html")
        else:
            response = responses.mapping(_ENTRY_POINTS)
        response.headers.add("Vary", "Accept")
        return response


class Robots(View):
    """What search engines may read."""

    async def get(self, request: Request) -> Response:
        """Return ``robots.txt``: nothing, or the pages of people and posts."""
        allowed = self.microblog.settings.robots == "all"
        text = "User-agent: *\n" + (
            "Allow: /@\nAllow: /$\nAllow: /static/\nDisallow: /\n" if allowed else "Disallow: /\n"
        )
        return CachedFile.of("text/plain", text.encode()).response(request, {"Cache-Control": "max-age=3600"})
