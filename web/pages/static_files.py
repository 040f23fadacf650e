"""The page's scripts, style sheet and icon, below ``/static/<version>/``.

The version is a hash over all files: the address of a file changes with any of them, so browsers keep what they have
for a year, and scripts import each other by relative names. All files are read once, and only names in that table are
served: a request's path is never used as a path of a file. During an upgrade a browser may ask an older or newer worker
for a file; it gets that worker's, and does not keep it.
"""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from aiohttp.web import HTTPNotFound, Request, Response

from web.api.view import View
from web.http.responses import CachedFile

_FOLDER: Final = Path(__file__).with_name("static")
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".txt": "text/plain"}
_VERSION_CHARACTERS: Final = 16

#: The script with which the page begins; the others are fetched beside it, not one after the other.
ENTRY: Final = "app.js"
#: For a year, as a file at this address never changes.
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class StaticFile(View):
    """One file."""

    async def get(self, request: Request, version: str, name: str) -> Response:
        """Return it."""
        if (file := files().get(name)) is None:
            raise HTTPNotFound
        caching = _IMMUTABLE if version == current_version() else "no-store"
        return file.response(request, {**_HEADERS, "Cache-Control": caching})


@cache
def files() -> Mapping[str, CachedFile]:
    """Return every file by its name."""
    return {
        path.name: CachedFile.of(_TYPES[path.suffix], path.read_bytes())
        for path in sorted(_FOLDER.iterdir())
        if path.suffix in _TYPES
    }


@cache
def current_version() -> str:
    """Return the hash over all files."""
    names_and_tags = "\n".join(f"{name} {file.tag}" for name, file in files().items())
    return sha256(names_and_tags.encode()).hexdigest()[:_VERSION_CHARACTERS]


def url(name: str) -> str:
    """Return a file's address. Raises KeyError for a name that no file has."""
    assert files()[name]
    return f"/static/{current_version()}/{name}"


def scripts() -> list[str]:
    """Return the addresses of all scripts that the entry imports."""
    return [url(name) for name in files() if name.endswith(".js") and name != ENTRY]
