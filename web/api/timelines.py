"""Timelines: the posts of a user and of the users whom they follow, and those of everybody.

Timelines are polled, so each complete page has an ETag, and a poll that finds nothing new is a 304 without a body. The
tag is a hash of the page and its links, so it changes with a post that arrives late in the middle of the page, with a
deleted one, and with a release that writes other fields. It is weak, because compressed or not the page is the same.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final
from uuid import UUID

from aiohttp import ETag
from aiohttp.helpers import ETAG_ANY
from aiohttp.web import Request, Response

from microblog_streams.domain.errors import NotFound, Unfinished
from microblog_streams.domain.ids import PUBLIC
from microblog_streams.domain.models import PostView
from microblog_streams.operations.pages import Page
from web.api.schemas import Post, posts_digest, posts_json
from web.api.view import Access, View, endpoint
from web.http import responses
from web.http.authorization import reader, require_user
from web.http.paging import CursorKind, Paging
from web.http.params import user_id
from web.http.problems import RETRY_AFTER_SECONDS

#: Headers of a page that may lack posts between those it has.
INCOMPLETE: Final = {"Timeline-State": "incomplete", "Retry-After": RETRY_AFTER_SECONDS}
#: A page is made for its reader, and a cached copy must be revalidated before it is shown.
CACHING: Final = {"Cache-Control": "private, no-cache"}
#: Of the hash. A collision can only hide one version of a page from the user who reads it.
_ETAG_BYTES: Final = 12

_KINDS: Final = (CursorKind.OLDER, CursorKind.NEWER)


class Timeline(View):
    """A user's home timeline."""

    @endpoint(
        "getTimeline",
        list[Post],
        paged=True,
        has_etag=True,
        access=Access.OWNER,
        headers=tuple(INCOMPLETE),
        raises=(NotFound, Unfinished),
    )
    async def get(self, request: Request, user: str) -> Response:
        """Return a page of the caller's home timeline, newest first.

        Without a cursor it is the newest page; a cursor leads to older or newer posts.
        """
        require_user(request, user_id(user))
        return await _respond(self, request, user_id(user))


class PublicTimeline(View):
    """The posts of everybody."""

    @endpoint(
        "getPublicTimeline",
        list[Post],
        paged=True,
        has_etag=True,
        headers=tuple(INCOMPLETE),
        raises=(Unfinished,),
    )
    async def get(self, request: Request) -> Response:
        """Return a page of the newest posts of everybody, newest first, down to the 800th or so.

        Posts of users who block the caller, or whom the caller blocks, are left out.
        """
        return await _respond(self, request, PUBLIC)


async def _respond(view: View, request: Request, user: int) -> Response:
    """Return the page of a timeline that the request asks for."""
    paging = Paging.of(request, user)
    page = await _page(view, paging, reader(request))
    links = paging.links(page, *_KINDS)
    response = respond(request, page.items, links) if page.whole else _incomplete(page.items)
    response.headers.update(CACHING)
    return response


async def _page(view: View, paging: Paging, who: int | None) -> Page[PostView, UUID]:
    timelines = view.operations.timelines
    kind, position = paging.post_position(*_KINDS)
    if kind is CursorKind.NEWER and position is not None:
        return await timelines.newer(paging.owner, position, paging.limit, who)
    return await timelines.older(paging.owner, position, paging.limit, who)


def etag(posts: Iterable[PostView], links: Mapping[str, str]) -> ETag:
    """Return the ETag of a page; ``links`` are its headers."""
    digest = sha256("\n".join(links.values()).encode() + posts_digest(posts)).digest()
    return ETag(urlsafe_b64encode(digest[:_ETAG_BYTES]).decode(), is_weak=True)


def respond(request: Request, posts: Sequence[PostView], links: Mapping[str, str]) -> Response:
    """Return a complete page, or a 304 if the client has it."""
    current = etag(posts, links)
    if _has(request, current):
        response = Response(status=304, headers=links)
    else:
        response = responses.json(posts_json(posts), headers=links)
    response.etag = current
    return response


def _incomplete(posts: Iterable[PostView]) -> Response:
    """Return a page without ETag and links, which the client is to request again."""
    return responses.json(posts_json(posts), headers=INCOMPLETE)


def _has(request: Request, current: ETag) -> bool:
    """Return whether ``If-None-Match`` names the tag. The comparison is weak, ``*`` matches all (RFC 9110, 13.1.2)."""
    given = request.headers.get("If-None-Match")
    if given is None or given == ETAG_ANY:
        return given is not None
    return any(tag.value == current.value for tag in request.if_none_match or ())
