"""/docs: the API for people, as Swagger UI shows /openapi.json. It needs no other host, and may ask none.

Swagger UI comes in a package, with more files than the page needs. Only those in one list are served, by their names
in it, so that no path is ever looked up among files.
"""

import asyncio
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from aiohttp.web import HTTPNotFound, Request, Response
from swagger_ui_bundle import swagger_ui_path

from web.api.view import View
from web.http.static_file import ASKED, KEPT, File

_PAGES: Final = Path(__file__).parent
_UI: Final[Path] = swagger_ui_path
_PAGE: Final = "docs.html"

#: Every file that is served: its type, and the folder that it is in.
_FILES: Final[Mapping[str, tuple[str, Path]]] = {
    _PAGE: ("text/html", _PAGES),
    "docs.js": ("text/javascript", _PAGES),
    "swagger-ui-bundle.js": ("text/javascript", _UI),
    "swagger-ui.css": ("text/css", _UI),
    "index.css": ("text/css", _UI),
    "favicon-32x32.png": ("image/png", _UI),
}

#: What a browser lets the page do: use these files and call this API. Swagger UI's own pictures are in its style sheet.
_RULES: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Docs(View):
    """The page."""

    async def get(self, request: Request) -> Response:
        """Return it."""
        return await _answer(request, _PAGE, ASKED)


class DocsFile(View):
    """What the page is made of."""

    async def get(self, request: Request, name: str) -> Response:
        """Return one file."""
        if name not in _FILES:
            raise HTTPNotFound
        return await _answer(request, name, KEPT)


async def _answer(request: Request, name: str, kept: Mapping[str, str]) -> Response:
    file = await asyncio.to_thread(_file, name)
    return file.answer(request, {**kept, **_RULES})


@cache
def _file(name: str) -> File:
    content_type, folder = _FILES[name]
    return File.of(content_type, (folder / name).read_bytes())
