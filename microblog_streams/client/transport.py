"""Sends requests by aiohttp, with a user's token, and reads responses as models.

This is the only module of the client that does I/O.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

import aiohttp
from pydantic import TypeAdapter, ValidationError

from microblog_streams.client.errors import BadAnswer, Unreachable
from microblog_streams.client.models import Request, Response
from microblog_streams.client.retrying import Retrying

#: A page of 100 posts of the longest texts has 2.5 MB.
MAX_RESPONSE_BYTES: Final = 16 * 1024 * 1024


class HttpTransport:
    """A pool of connections, opened with the first request."""

    def __init__(self, session: aiohttp.ClientSession | None = None) -> None:
        """``session`` is used if given, and is left open by ``close``."""
        self._session = session
        self._owns_session = session is None

    async def send(self, url: str, request: Request, timeout: float) -> Response:
        """Send a request to the server at a base URL.

        Raises Unreachable if no response comes within ``timeout`` seconds.
        Redirects are not followed, because the token would be sent to the new address.
        """
        try:
            async with self._open().request(
                request.method,
                url + request.path,
                json=request.body,
                headers=request.headers,
                timeout=aiohttp.ClientTimeout(total=timeout),
                allow_redirects=False,
                middlewares=[_send_once],
            ) as response:
                return Response(response.status, response.headers, await _read_body(response))
        except TimeoutError:
            raise Unreachable(f"{url} did not answer within {timeout:.1f} s") from None
        except aiohttp.ClientError as exc:
            raise Unreachable(f"{url} broke its answer off: {exc or type(exc).__name__}") from exc

    async def close(self) -> None:
        """Close all connections, unless the session belongs to the caller."""
        if self._session is not None and self._owns_session:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self._session


async def _send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a request by itself: ``Retrying`` must know that a DELETE was sent before."""
    try:
        return await handler(request)
    except aiohttp.ClientError as exc:
        raise Unreachable(f"{request.url.origin()} cannot be reached: {exc or type(exc).__name__}") from exc


async def _read_body(response: aiohttp.ClientResponse) -> bytes:
    body = await response.content.read(MAX_RESPONSE_BYTES + 1)
    while not response.content.at_eof() and len(body) <= MAX_RESPONSE_BYTES:
        body += await response.content.read(MAX_RESPONSE_BYTES + 1 - len(body))
    if len(body) > MAX_RESPONSE_BYTES:
        raise aiohttp.ClientPayloadError(f"the answer has more than {MAX_RESPONSE_BYTES:,} bytes")
    return body


@dataclass(frozen=True)
class AuthenticatedTransport:
    """Makes calls as one user, or anonymously if ``user`` and ``token`` are None."""

    retrying: Retrying
    user: int | None = None
    token: str | None = field(default=None, repr=False)

    @property
    def me(self) -> int:
        """The id of the user. Raises ValueError if the calls are anonymous."""
        if self.user is None:
            raise ValueError("this call needs a user: use client.acting_as(identity), or Client(..., user=...)")
        return self.user

    async def call(self, request: Request) -> Response:
        """Return the response, repeating the request if that is worthwhile. Raises ClientError."""
        if self.token:
            headers: Mapping[str, str] = {**request.headers, "Authorization": f"Bearer {self.token}"}
            request = replace(request, headers=headers)
        return await self.retrying.call(request)

    async def read(self, request: Request, model: Any) -> Any:  # noqa: ANN401 - mypy knows no type of models
        """Return the response as a ``model``: a class, or ``tuple[Class, ...]``. Raises ClientError."""
        return parse(await self.call(request), model)


def parse(response: Response, model: Any) -> Any:  # noqa: ANN401
    """Return a response as a ``model``. Raises BadAnswer if it does not fit."""
    try:
        return _adapter(model).validate_json(response.body)
    except ValidationError as exc:
        raise BadAnswer(f"the answer is not what this API gives ({exc.error_count()} fields are wrong)") from None


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:  # noqa: ANN401
    """Return the validator of a model. Kept, because making one takes longer than using it."""
    return TypeAdapter(model)
