"""Carrying requests over HTTP, with aiohttp: the only file of the client that does any I/O."""

from typing import Final

import aiohttp

from microblog_streams.client.errors import Unreachable
from microblog_streams.client.messages import Answer, Request

#: Bytes of the largest answer that is read: a page of 100 posts of the longest texts has 2.5 MB.
LARGEST: Final = 16 * 1024 * 1024


class Transport:
    """A pool of connections, opened on first use."""

    def __init__(self, session: aiohttp.ClientSession | None = None) -> None:
        """Take somebody's session, which stays open, or open one on first use."""
        self._session = session
        self._own = session is None

    async def send(self, url: str, request: Request, seconds: float) -> Answer:
        """Send a request to the server at a base URL. Raises Unreachable where no answer comes in time.

        Redirects are not followed: the token would go along.
        """
        try:
            async with self._open().request(
                request.method,
                url + request.path,
                json=request.body,
                headers=request.headers,
                timeout=aiohttp.ClientTimeout(total=seconds),
                allow_redirects=False,
                middlewares=[_told],
            ) as response:
                return Answer(response.status, response.headers, await _content(response))
        except TimeoutError:
            raise Unreachable(f"{url} did not answer within {seconds:.1f} s") from None
        except aiohttp.ClientError as exc:
            raise Unreachable(f"{url} broke its answer off: {exc or type(exc).__name__}") from exc

    async def close(self) -> None:
        """Close all connections, where they are our own."""
        if self._session is not None and self._own:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self._session


async def _told(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from trying again by itself: a DELETE's second answer means something else than its first."""
    try:
        return await handler(request)
    except aiohttp.ClientError as exc:
        raise Unreachable(f"{request.url.origin()} cannot be reached: {exc or type(exc).__name__}") from exc


async def _content(response: aiohttp.ClientResponse) -> bytes:
    content = await response.content.read(LARGEST + 1)
    while not response.content.at_eof() and len(content) <= LARGEST:
        content += await response.content.read(LARGEST + 1 - len(content))
    if len(content) > LARGEST:
        raise aiohttp.ClientPayloadError(f"the answer has more than {LARGEST:,} bytes")
    return content
