"""The client: one object for all calls, with connections that are kept until it is closed."""

import re
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

from microblog_streams.client.authenticated_transport import Caller
from microblog_streams.client.errors import Trouble, unheeded
from microblog_streams.client.follows import Follows
from microblog_streams.client.models import Identity
from microblog_streams.client.people import People
from microblog_streams.client.posts import Posts
from microblog_streams.client.retrying import Retrying
from microblog_streams.client.transport import Transport

#: Seconds of a whole call with all its tries, and of one try: the server gives a request up after 10.
PATIENCE: Final = 30.0
TIMEOUT: Final = 12.0

_TOKEN: Final = re.compile(r"[!-~]+")


class Client(People, Follows, Posts):
    """Calls the API, as one person or as nobody in particular.

    Every method raises ``ApiError`` for what the server refuses, ``Unreachable`` where no answer comes, and
    ``BadAnswer`` for what is none of this API's. What may pass is tried again for up to ``patience`` seconds.
    """

    def __init__(
        self,
        *urls: str,
        user: int | None = None,
        token: str | None = None,
        patience: float = PATIENCE,
        timeout: float = TIMEOUT,
        trouble: Trouble = unheeded,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        """Take the base URLs of one worker or gateway, or of several, which are tried in turn.

        ``user`` and ``token`` are as whom calls are made. ``trouble`` is told of each error after which a call is tried
        again. A ``session`` that is given is used, and left open. Raises ValueError for what is no URL or no token.
        """
        self._transport = Transport(session)
        retrying = Retrying(self._transport.send, _checked(urls), patience, timeout, trouble)
        self._caller = Caller(retrying, user, _token(token))

    def acting_as(self, identity: Identity) -> "Client":
        """Return a client that calls as somebody else, over the same connections; closing either closes them."""
        other = copy(self)
        other._caller = replace(self._caller, user=identity.user, token=_token(identity.token))
        return other

    @property
    def me(self) -> int:
        """The id of whom calls are made as. Raises ValueError where that is nobody in particular."""
        return self._caller.me

    async def close(self) -> None:
        """Close all connections. The next call opens others."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        await self.close()


def _checked(urls: Sequence[str]) -> Sequence[str]:
    if not urls:
        raise ValueError("at least one URL is needed")
    for url in urls:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"{url!r} is no URL of a server: it begins with neither http:// nor https://")
        try:
            host = URL(url).host
        except ValueError as exc:
            raise ValueError(f"{url!r} is no URL of a server: {exc}") from None
        if not host:
            raise ValueError(f"{url!r} is no URL of a server: it names no host")
    return [url.rstrip("/") for url in urls]


def _token(token: str | None) -> str | None:
    """Return a token that can stand in a header. Raises ValueError, without the token in it."""
    if token is not None and not _TOKEN.fullmatch(token):
        raise ValueError("this is no token: it is empty, or has characters that no token has")
    return token
