"""``Client``: one method for each call of the API."""

import re
from collections.abc import AsyncGenerator, Sequence
from copy import copy
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Literal, Self
from uuid import UUID

import aiohttp
from yarl import URL

from microblog_streams.client.errors import ErrorCallback, NotFound, Unauthenticated, ignore_error
from microblog_streams.client.live import LiveEvent, LiveStream
from microblog_streams.client.models import (
    Blocking,
    Following,
    FoundPost,
    Identity,
    Model,
    NewToken,
    Post,
    Profile,
    Registered,
    Request,
    Token,
    Trend,
    User,
    delete,
    path,
    post,
)
from microblog_streams.client.pages import MAX_PAGE_SIZE, POLL_PAGE_SIZE, POLL_SECONDS, Listing, TimelinePoller
from microblog_streams.client.retrying import Retrying
from microblog_streams.client.transport import AuthenticatedTransport, HttpTransport, parse
from microblog_streams.client.watch import ResetCallback, TimelineWatcher, ignore_reset

#: Of a call with all its attempts, and of one attempt: the server itself ends a request after 10 seconds.
TOTAL_TIMEOUT_SECONDS: Final = 30.0
ATTEMPT_TIMEOUT_SECONDS: Final = 12.0

_PUBLIC: Final = "/timelines/public"
_TOKEN: Final = re.compile(r"[!-~]+")


class _Secret(Model):
    token: str | None = None


class Client:
    """Calls the API as one user, or anonymously.

    Every method raises ``ApiError`` if the server refuses the call, ``Unreachable`` if no response comes, and
    ``BadAnswer`` if the response is none of this API's. Errors that may pass are retried for ``patience`` seconds.
    Methods that take an optional user use the client's own user by default, and raise ValueError if there is none.
    """

    def __init__(
        self,
        *urls: str,
        user: int | None = None,
        token: str | None = None,
        patience: float = TOTAL_TIMEOUT_SECONDS,
        timeout: float = ATTEMPT_TIMEOUT_SECONDS,
        trouble: ErrorCallback = ignore_error,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        """``urls`` are the base URLs of one worker or gateway, or of several, which are tried in turn.

        Calls are made as ``user``, with ``token``. ``patience`` and ``timeout`` are seconds for a call with all its
        attempts, and for one attempt. ``trouble`` is called with each error after which a call is repeated. A
        ``session`` that is given is left open by ``close``. Raises ValueError for a URL or token that is not valid.
        """
        self._http = HttpTransport(session)
        retrying = Retrying(self._http.send, _checked_urls(urls), patience, timeout, trouble)
        self._transport = AuthenticatedTransport(retrying, self._http, user, _checked_token(token))

    def acting_as(self, identity: Identity) -> "Client":
        """Return a client for another user that shares the connections of this one; closing either closes them."""
        other = copy(self)
        other._transport = replace(self._transport, user=identity.user, token=_checked_token(identity.token))
        return other

    @property
    def me(self) -> int:
        """The id of the user. Raises ValueError if the client is anonymous."""
        return self._transport.me

    async def close(self) -> None:
        """Close all connections. A later call opens new ones."""
        await self._http.close()

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.close()

    # Users and tokens

    async def register(self, username: str, password: str | None = None) -> Registered:
        """Register a user. Without a password, only the returned token gives access. Raises Invalid, UsernameTaken.

        The client's own user does not change: ``acting_as(registered.identity)`` calls as the new one.
        """
        response = await self._transport.call(post("/users/", _credentials(username, password)))
        return Registered(parse(response, User), parse(response, _Secret).token)

    async def sign_in(self, username: str, password: str, name: str = "") -> NewToken:
        """Return a new token; ``name`` is shown in its owner's list of tokens. Raises Unauthenticated."""
        body = _credentials(username, password) | ({"name": name} if name else {})
        token: NewToken = await self._transport.read(post("/tokens/", body), NewToken)
        return token

    async def tokens(self) -> tuple[Token, ...]:
        """Return the tokens of the client's user. Raises Unauthenticated."""
        tokens: tuple[Token, ...] = await self._transport.read(Request("GET", "/tokens/"), tuple[Token, ...])
        return tokens

    async def revoke(self, token: int) -> None:
        """Revoke a token of the client's user, by its id. Raises NotFound.

        Raises Unauthenticated where it was the client's own and the answer was lost: the repeated call is refused.
        """
        await self._transport.call(delete(path("tokens", token)))

    async def user(self, user: int) -> User:
        """Return a user. Raises NotFound."""
        found: User = await self._transport.read(Request("GET", path("users", user)), User)
        return found

    async def profile(self, user: int | None = None) -> Profile:
        """Return a user with their page. Raises NotFound."""
        found: Profile = await self._transport.read(Request("GET", path("users", self._or_me(user))), Profile)
        return found

    async def change_profile(
        self, display_name: str | None = None, note: str | None = None, links: Sequence[str] | None = None
    ) -> Profile:
        """Change the profile of the client's user; None leaves a field as it is. Raises Invalid, Unauthenticated."""
        fields = {"displayName": display_name, "note": note, "links": None if links is None else list(links)}
        body = {name: value for name, value in fields.items() if value is not None}
        changed: Profile = await self._transport.read(Request("PATCH", path("users", self.me), body), Profile)
        return changed

    async def find(self, username: str) -> User | None:
        """Return the user with this name, in any case and spelling; None if there is none. Raises Invalid."""
        request = Request("GET", path("users", "", username=username))
        found: tuple[User, ...] = await self._transport.read(request, tuple[User, ...])
        return found[0] if found else None

    def users(self, page_size: int = MAX_PAGE_SIZE) -> Listing[User]:
        """Return all users, by id."""
        return Listing(self._transport, path("users", ""), User, page_size)

    async def delete_user(self, user: int) -> None:
        """Delete a user, for good. Raises NotFound, Forbidden, Unauthenticated.

        The user's tokens end with the user. So if an answer was lost, the repeated call is refused, and it is looked up
        whether the user is gone.
        """
        try:
            await self._transport.call(delete(path("users", user)))
        except Unauthenticated as refused:
            if not refused.is_repeated or not await self._is_gone(user):
                raise

    async def _is_gone(self, user: int) -> bool:
        """Return whether there is no such user, asked without a token."""
        try:
            await replace(self._transport, user=None, token=None).call(Request("GET", path("users", user)))
        except NotFound:
            return True
        return False

    # Follows and blocks

    async def follow(self, followee: int, follower: int | None = None) -> Following:
        """Follow a user; no effect if already followed. Raises NotFound, Forbidden, Blocked, TooManyFollowees."""
        request = post(self._relation_path(follower, "follow", followee))
        following: Following = await self._transport.read(request, Following)
        return following

    async def unfollow(self, followee: int, follower: int | None = None) -> Following:
        """Stop following a user; no effect if not followed. Raises NotFound, Forbidden."""
        request = Request("DELETE", self._relation_path(follower, "follow", followee))
        following: Following = await self._transport.read(request, Following)
        return following

    async def block(self, blocked: int, blocker: int | None = None) -> Blocking:
        """Block a user: both follows between the two end, and new ones are refused. Raises NotFound, Forbidden."""
        blocking: Blocking = await self._transport.read(post(self._relation_path(blocker, "block", blocked)), Blocking)
        return blocking

    async def unblock(self, blocked: int, blocker: int | None = None) -> Blocking:
        """Stop blocking a user; ended follows do not come back. Raises NotFound, Forbidden."""
        request = Request("DELETE", self._relation_path(blocker, "block", blocked))
        blocking: Blocking = await self._transport.read(request, Blocking)
        return blocking

    def followers(self, user: int | None = None, page_size: int = MAX_PAGE_SIZE) -> Listing[User]:
        """Return the followers of a user, by id."""
        return Listing(self._transport, path("users", self._or_me(user), "followers"), User, page_size)

    def followees(self, user: int | None = None, page_size: int = MAX_PAGE_SIZE) -> Listing[User]:
        """Return the users whom a user follows, by id."""
        return Listing(self._transport, path("users", self._or_me(user), "followees"), User, page_size)

    def blocks(self, page_size: int = MAX_PAGE_SIZE) -> Listing[User]:
        """Return the users whom the client's user blocks."""
        return Listing(self._transport, path("users", self.me, "blocks"), User, page_size)

    # Posts and timelines

    async def post(self, content: str, author: int | None = None) -> Post:
        """Write a post, exactly once however often the call is repeated; it is durable when this returns.

        Raises Invalid, Forbidden. After OutcomeUnknown or Unreachable the post may have been written.
        """
        body = {"userId": self._or_me(author), "content": content}
        written: Post = await self._transport.read(post("/posts/", body), Post)
        return written

    async def get_post(self, post_id: UUID | str) -> Post:
        """Return a post. Raises NotFound."""
        found: Post = await self._transport.read(Request("GET", path("posts", post_id)), Post)
        return found

    async def delete_post(self, post_id: UUID | str) -> None:
        """Delete a post. Raises NotFound, Forbidden."""
        await self._transport.call(delete(path("posts", post_id)))

    def posts(self, author: int | None = None, page_size: int = MAX_PAGE_SIZE) -> Listing[Post]:
        """Return the posts of a user, newest first."""
        return Listing(self._transport, path("users", self._or_me(author), "posts"), Post, page_size)

    def timeline(self, user: int | None = None, page_size: int = MAX_PAGE_SIZE) -> Listing[Post]:
        """Return a home timeline, the posts of a user and of all whom the user follows, newest first."""
        return Listing(self._transport, path("timelines", self._or_me(user)), Post, page_size)

    def public_timeline(self, page_size: int = MAX_PAGE_SIZE) -> Listing[Post]:
        """Return the newest posts of everybody, newest first, down to the 800th or so."""
        return Listing(self._transport, _PUBLIC, Post, page_size)

    # Search

    def search(self, query: str, sort: Literal["newest", "best"] = "newest", page_size: int = 20) -> Listing[FoundPost]:
        """Return the posts that a query finds: words, "phrases", #tags, @names, from:name, after: and before: dates.

        A ``-`` in front excludes. Raises Invalid for a query with an error; NotFound where there is no search.
        """
        return Listing(self._transport, path("search", "posts", q=query, sort=sort), FoundPost, page_size)

    def search_users(self, name: str, page_size: int = 20) -> Listing[User]:
        """Return users by name: the same, then those that begin so, then similar ones. Raises as ``search``."""
        return Listing(self._transport, path("search", "users", q=name), User, page_size)

    async def trends(self, limit: int = 20) -> tuple[Trend, ...]:
        """Return the hashtags that most authors use now. Raises NotFound where there is no search."""
        request = Request("GET", path("trends", "tags", limit=limit))
        trends: tuple[Trend, ...] = await self._transport.read(request, tuple[Trend, ...])
        return trends

    def watch(
        self,
        user: int | None = None,
        every: float = POLL_SECONDS,
        trouble: ErrorCallback = ignore_error,
        *,
        public: bool = False,
        reset: ResetCallback = ignore_reset,
    ) -> AsyncGenerator[Post, None]:
        """Yield posts that are new on a home timeline, or the public one, from now on, oldest first, without end.

        Follows the timeline live; a server without streams is polled every ``every`` seconds. Goes on when the server
        comes back; ``trouble`` is called with each error of that time. Where it is not known what was missed the page
        is read, and ``reset`` called with the number of new posts on it. Raises errors that will not pass (NotFound,
        Forbidden, Unauthenticated).
        """
        at = _PUBLIC if public else path("timelines", self._or_me(user))
        poller = TimelinePoller(Listing(self._transport, at, Post, POLL_PAGE_SIZE), every, trouble)
        return TimelineWatcher(poller, LiveStream(self._transport, f"{at}/live", None, trouble), reset).posts()

    def live(
        self, user: int | None = None, last_id: str | None = None, trouble: ErrorCallback = ignore_error
    ) -> AsyncGenerator[LiveEvent, None]:
        """Yield what arrives on a home timeline, as it arrives, without end, over any number of connections.

        Begins with a ``reset`` unless ``last_id`` is the id of an event that is still known; after each ``reset`` the
        page is to be read. ``trouble`` is called with each error after which it comes back. Raises errors that will
        not pass (NotFound, Forbidden, Unauthenticated).
        """
        return LiveStream(self._transport, path("timelines", self._or_me(user), "live"), last_id, trouble).events()

    def live_public(
        self, last_id: str | None = None, trouble: ErrorCallback = ignore_error
    ) -> AsyncGenerator[LiveEvent, None]:
        """Yield what arrives on the public timeline; see ``live``. An anonymous client can follow it, too."""
        return LiveStream(self._transport, f"{_PUBLIC}/live", last_id, trouble).events()

    def _relation_path(self, actor: int | None, relation: str, other: int) -> str:
        return path("users", self._or_me(actor), relation, other)

    def _or_me(self, user: int | None) -> int:
        return self.me if user is None else user


def _credentials(username: str, password: str | None) -> dict[str, Any]:
    return {"username": username} | ({"password": password} if password is not None else {})


def _checked_urls(urls: Sequence[str]) -> Sequence[str]:
    if not urls:
        raise ValueError("at least one URL is needed")
    for url in urls:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"{url!r} is not the URL of a server: it must begin with http:// or https://")
        try:
            host = URL(url).host
        except ValueError as exc:
            raise ValueError(f"{url!r} is not the URL of a server: {exc}") from None
        if not host:
            raise ValueError(f"{url!r} is not the URL of a server: it has no host")
    return [url.rstrip("/") for url in urls]


def _checked_token(token: str | None) -> str | None:
    """Return the token. Raises ValueError, without the token in it, if it cannot stand in a header."""
    if token is not None and not _TOKEN.fullmatch(token):
        raise ValueError("this is no token: it is empty, or has characters that no token has")
    return token
