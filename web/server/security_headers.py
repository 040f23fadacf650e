"""Headers that every answer has: they tell a browser not to guess, and strangers not which versions run here."""

from typing import Final, TypeVar

from aiohttp.web import StreamResponse

ResponseT = TypeVar("ResponseT", bound=StreamResponse)

#: A post's text is somebody else's: sent as JSON, it must not become a page in a browser that thinks it looks like one.
#: As released, ``Server`` names the versions of Python and aiohttp.
EVERYWHERE: Final = {"X-Content-Type-Options": "nosniff", "Server": "microblog"}


def discreet(response: ResponseT) -> ResponseT:
    """Add these headers to an answer that is not sent yet, and return it."""
    response.headers.update(EVERYWHERE)
    return response
