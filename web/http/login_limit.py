"""Tries to sign in as somebody: they draw from one budget a name, from wherever they come.

A budget an address is not enough against somebody who has many. It is the view that draws, because the name is in the
body, which the limits in front of it have not read.
"""

from hashlib import sha256
from typing import Final

from aiohttp.web import Request

from microblog_streams.operations.validation import name_key
from microblog_streams.rate_limits.rate_limiter import RateLimit
from web.api.view import MICROBLOG
from web.http.problems import TooManyRequests

#: Characters of a name that are looked at: more than any name has.
LONGEST_NAME: Final = 200


async def sign_in_as(request: Request, username: str) -> None:
    """Draw from a name's budget. Raises TooManyRequests.

    To be called before the password is looked at, and alike whether there is such a user.
    """
    digest = sha256(name_key(username[:LONGEST_NAME]).encode("utf-8", "surrogatepass")).hexdigest()
    verdict = await request.app[MICROBLOG].rate_limiter.take(RateLimit.SIGNING_IN, f"name:{digest}")
    if verdict and not verdict.granted:
        raise TooManyRequests(RateLimit.SIGNING_IN, verdict)
