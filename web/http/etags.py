"""ETags of timelines: a name for what a page shows, so that a poll that finds nothing new is a 304 without a body.

A hash of everything that can change: which posts there are, in order, who wrote them, and where the links lead. So a
post that comes late into the middle of a page counts, and one that is deleted. A post's text never changes, so its id
stands for it; the fields' names are in it, so that a release with other fields makes other tags.

The tag is weak: compressed or not, the page is the same one.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Final

from aiohttp import ETag
from aiohttp.helpers import ETAG_ANY
from aiohttp.web import Request, Response

from microblog_streams.operations.pages import PostView
from web.api.schemas import Post

#: A timeline is its owner's, and a copy may be shown only once it was asked whether it is still right.
CACHING: Final = {"Cache-Control": "private, no-cache"}
#: Bytes of the hash. Whoever makes two pages of one tag sees one of their own pages twice.
_BYTES: Final = 12


def answered(
    request: Request, items: Sequence[PostView], links: Mapping[str, str], answer: Callable[[], Response]
) -> Response:
    """Return the answer with the tag of what it shows, or the 304 for a caller who has that; ``links`` are its headers.

    Tags are compared by their texts alone, weak or not (RFC 9110, 13.1.2), and ``*`` is any page.
    """
    current = tag(items, links)
    response = Response(status=304, headers=links) if _has(request, current) else answer()
    response.etag = current
    response.headers.update(CACHING)
    return response


def tag(items: Sequence[PostView], links: Mapping[str, str]) -> ETag:
    """Return the tag of a page of posts."""
    names = [*Post.model_fields, *links.values(), str(len(items)), *[item.username for item in items]]
    digest = sha256("\n".join(names).encode())
    digest.update(b"".join([item.id.bytes for item in items]))
    return ETag(urlsafe_b64encode(digest.digest()[:_BYTES]).decode(), is_weak=True)


def _has(request: Request, current: ETag) -> bool:
    given = request.headers.get("If-None-Match")
    if given is None or given == ETAG_ANY:
        return given is not None
    return any(had.value == current.value for had in request.if_none_match or ())
