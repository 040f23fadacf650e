"""Sends requests by aiohttp, with a user's token, and reads responses as models.

This is the only module of the client that does I/O.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

import aiohttp
from pydantic import TypeAdapter, ValidationError

from microblog_streams.client.errors import BadAnswer, Unreachable, error_for
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

    async def stream(self, url: str, request: Request, silence_seconds: float) -> AsyncGenerator[str, None]:
        """Send a request; yield the lines of the response as they come.

        Raises ApiError for a refusal, Unreachable if no byte comes for ``silence_seconds`` or the connection breaks.
        """
        limits = aiohttp.ClientTimeout(total=None, sock_connect=silence_seconds, sock_read=silence_seconds)
        try:
            async with self._open().get(
                url + request.path,
                headers=request.headers,
                timeout=limits,
                allow_redirects=False,
                middlewares=[_send_once],
            ) as response:
                if response.status != 200:
                    raise error_for(Response(response.status, response.headers, await _read_body(response)))
                async for line in response.content:
                    yield line.decode("utf-8", "replace").rstrip("\r\n")
        except TimeoutError:
            raise Unreachable(f"{url} was silent for {silence_seconds:.0f} s") from None
        except (aiohttp.ClientError, ValueError) as exc:
            raise Unreachable(f"{url} broke the stream off: {exc or type(exc).__name__}") from exc

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
    http: HttpTransport
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
        return await self.retrying.call(self._authenticated(request))

    def stream(self, request: Request, silence_seconds: float) -> AsyncGenerator[str, None]:
        """Yield the lines of a response without end, from the worker that calls go to. Raises ClientError."""
        return self.http.stream(self.retrying.url, self._authenticated(request), silence_seconds)

    def _authenticated(self, request: Request) -> Request:
        if not self.token:
            return request
        headers: Mapping[str, str] = {**request.headers, "Authorization": f"Bearer {self.token}"}
        return replace(request, headers=headers)

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
