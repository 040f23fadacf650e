"""/docs: Swagger UI on /openapi.json. The page loads nothing from other hosts, and its policy forbids it.

Swagger UI is installed as a package with more files than the page needs. Only the files of one table are served, by
their names in it, so a request's path is never used as a path of a file.
"""

import asyncio
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from aiohttp.web import HTTPNotFound, Request, Response
from swagger_ui_bundle import swagger_ui_path

from web.api.view import View
from web.http.responses import CACHE_ONE_DAY, REVALIDATE, CachedFile

_FOLDER: Final = Path(__file__).parent
_UI: Final[Path] = swagger_ui_path
_PAGE: Final = "docs.html"

#: Every file that is served: its type and its folder.
_FILES: Final[Mapping[str, tuple[str, Path]]] = {
    _PAGE: ("text/html", _FOLDER),
    "docs.js": ("text/javascript", _FOLDER),
    "swagger-ui-bundle.js": ("text/javascript", _UI),
    "swagger-ui.css": ("text/css", _UI),
    "index.css": ("text/css", _UI),
    "favicon-32x32.png": ("image/png", _UI),
}

#: The page may use these files and call this API. Swagger UI's images are data URLs in its style sheet.
_SECURITY_HEADERS: Final = {
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
        """Return the page."""
        return await _response(request, _PAGE, REVALIDATE)


class DocsFile(View):
    """The page's scripts, styles and icon."""

    async def get(self, request: Request, name: str) -> Response:
        """Return one file."""
        if name not in _FILES:
            raise HTTPNotFound
        return await _response(request, name, CACHE_ONE_DAY)


async def _response(request: Request, name: str, caching: Mapping[str, str]) -> Response:
    file = await asyncio.to_thread(_file, name)
    return file.response(request, {**caching, **_SECURITY_HEADERS})


@cache
def _file(name: str) -> CachedFile:
    content_type, folder = _FILES[name]
    return CachedFile.of(content_type, (folder / name).read_bytes())
