"""Avatars: each user has a picture, drawn from their id and name. Nothing is uploaded, and nothing is stored.

The colours come from the id, the letters from the display name, or else the username. A picture's URL has a hash of it,
so a browser keeps a picture for ever, and sees another one as soon as the name has changed.

An SVG that is opened by itself is a document with the rights of this server's pages. So the names are escaped, and the
policy of the response allows nothing and puts the document in an origin of its own.
"""

import unicodedata
from functools import lru_cache
from hashlib import sha256
from typing import Final
from xml.sax.saxutils import escape

from aiohttp.web import Request, Response

from microblog_streams.domain.errors import NotFound
from microblog_streams.domain.ids import encode_user
from microblog_streams.domain.models import User
from microblog_streams.operations.validation import has_visible
from web.api.view import View, endpoint
from web.http.params import user_id
from web.http.responses import CachedFile

MEDIA_TYPE: Final = "image/svg+xml"
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
#: With the hash of the picture in the URL, and with none or another.
_FOR_EVER, _BRIEFLY = "public, max-age=31536000, immutable", "public, max-age=300"
#: Characters of the hash.
_VERSION_CHARACTERS: Final = 12

#: Pictures that a worker keeps, of 2 KB at most.
_MAX_KEPT: Final = 2_048
#: Degrees between the two hues of a picture.
_HUE_STEP: Final = 40
_SVG: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="96" height="96" role="img">\
<title>{name}</title>\
<defs><linearGradient id="g" x2="1" y2="1">\
<stop stop-color="hsl({hue},55%,42%)"/><stop offset="1" stop-color="hsl({other_hue},60%,32%)"/>\
</linearGradient></defs>\
<rect width="96" height="96" fill="url(#g)"/>\
<text x="48" y="49" fill="#fff" font-family="system-ui,sans-serif" font-size="{size}" font-weight="600" \
text-anchor="middle" dominant-baseline="central">{initials}</text></svg>
"""


class Avatar(View):
    """A user's picture."""

    @endpoint("getAvatar", None, has_etag=True, raises=(NotFound,))
    async def get(self, request: Request, user: str) -> Response:
        """Return a user's picture, an SVG."""
        picture = _picture(*_drawn(await self.operations.users.get(user_id(user))))
        current = request.query.get("v") == _version(picture)
        return picture.response(request, {"Cache-Control": _FOR_EVER if current else _BRIEFLY, **HEADERS})


def avatar_path(user: User) -> str:
    """Return the path of a user's picture, with the version of the picture."""
    return f"/users/{user.id}/avatar.svg?v={_version(_picture(*_drawn(user)))}"


def _drawn(user: User) -> tuple[int, str]:
    return user.id, user.display_name or user.username


@lru_cache(_MAX_KEPT)
def _picture(user: int, name: str) -> CachedFile:
    hue = int.from_bytes(sha256(encode_user(user)).digest()[:2], "big") % 360
    letters = initials(name)
    drawing = _SVG.format(
        name=escape(name),
        hue=hue,
        other_hue=(hue + _HUE_STEP) % 360,
        size=40 if len(letters) > 1 else 48,
        initials=escape(letters),
    )
    return CachedFile.of(MEDIA_TYPE, drawing.encode())


def _version(picture: CachedFile) -> str:
    return picture.tag[:_VERSION_CHARACTERS]


def initials(name: str) -> str:
    """Return the first letters of the first and the last word, as capitals, each with the marks that belong to it."""
    words = [word for word in name.split() if has_visible(word)]
    letters = [_first_letter(word) for word in dict.fromkeys((words[0], words[-1]))] if words else []
    return "".join(letters)


def _first_letter(word: str) -> str:
    start = next(at for at, character in enumerate(word) if has_visible(character))
    end = start + 1
    while end < len(word) and unicodedata.category(word[end]).startswith("M"):
        end += 1
    return word[start:end].upper()
