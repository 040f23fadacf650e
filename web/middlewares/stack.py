"""What every request passes on its way to a view: it is named, errors are answered, then lock, caller and limits.

What is done to answers, of views and of errors alike, stands further out than the errors' own. The budgets have two
parts, one on each side of authentication: ``guesses`` sees tokens that fail, ``limits`` knows whose a good one is.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp.typedefs import Handler, Middleware
from aiohttp.web import HTTPRequestEntityTooLarge, HTTPRequestTimeout, Request, StreamResponse, middleware

from microblog_streams.config.settings import Settings
from web.http.problems import TooSlow, answered
from web.middlewares.admin_gate import lock
from web.middlewares.authorization import authentication
from web.middlewares.compression import compression
from web.middlewares.cors import CorsPolicy, cors
from web.middlewares.rate_limits import limits
from web.middlewares.request_ids import request_ids
from web.middlewares.token_guess_limit import guesses

#: Bytes of a request's body. A post of 2,000 characters, escaped as JSON allows, takes 24,000.
MAX_BODY: Final = 64 * 1024
#: Seconds for a request: above what the slowest operation takes with every store at its time-out and one retry.
TIME_LIMIT: Final = 10.0


def application_options(settings: Settings) -> Mapping[str, object]:
    """Return what Faust's setting ``web_application_options`` must be."""
    return {"middlewares": middlewares(settings), "client_max_size": MAX_BODY}


def middlewares(settings: Settings, time_limit: float = TIME_LIMIT) -> list[Middleware]:
    """Return the middlewares, outermost first."""
    token = settings.admin_token.get_secret_value() if settings.admin_token else None
    who = authentication(settings.auth == "required")
    shared = [cors(CorsPolicy(settings.cors_origins))] if settings.cors_origins else []
    before, behind = guesses(settings), limits(settings)
    inner = [lock(token), before, who, behind, size_limit, deadline(time_limit)]
    return [request_ids, *shared, compression, problems, *inner]


@middleware
async def problems(request: Request, handler: Handler) -> StreamResponse:
    """Answer what was raised outside of our views: by the router, the lock, the limits and Faust's pages."""
    return await answered(request, handler)


@middleware
async def size_limit(request: Request, handler: Handler) -> StreamResponse:
    """Refuse a body that says that it is too large, also where nobody would read it."""
    if (request.content_length or 0) > request.client_max_size:
        raise HTTPRequestEntityTooLarge(request.client_max_size)
    return await handler(request)


def deadline(seconds: float) -> Middleware:
    """Return the middleware that gives a request up after ``seconds``."""

    @middleware
    async def bounded(request: Request, handler: Handler) -> StreamResponse:
        try:
            async with asyncio.timeout(seconds):
                return await handler(request)
        except TimeoutError:
            raise TooSlow if request.content.is_eof() else HTTPRequestTimeout from None

    return bounded
