"""Issuing, listing and revoking access tokens.

Logins count against a rate limit of the username, wherever they come from: a limit of each address alone would not
stop an attacker who has many. The view counts them, because the middleware of the rate limits has not read the body.
"""

from hashlib import sha256
from typing import Final

from aiohttp.web import Request, Response

from microblog_streams.domain.errors import Busy, Invalid, NotFound, WrongLogin
from microblog_streams.operations.rate_limits import RateLimit, RateLimiter
from microblog_streams.operations.validation import name_key
from web.api import schemas
from web.api.view import Access, View, endpoint
from web.http import responses
from web.http.authorization import require_caller
from web.http.params import token_id
from web.http.problems import TooManyRequests

#: How much of a username is hashed: more than any existing name has.
HASHED_NAME_CHARACTERS: Final = 200


async def limit_login(limiter: RateLimiter, username: str) -> None:
    """Draw from the username's limit before the password is checked, whether the user exists or not.

    Raises TooManyRequests.
    """
    key = name_key(username[:HASHED_NAME_CHARACTERS]).encode("utf-8", "surrogatepass")
    verdict = await limiter.take(RateLimit.SIGNING_IN, f"name:{sha256(key).hexdigest()}")
    if verdict and not verdict.granted:
        raise TooManyRequests(RateLimit.SIGNING_IN, verdict)


class Tokens(View):
    """The caller's tokens."""

    @endpoint("listTokens", list[schemas.Token], access=Access.AUTHENTICATED)
    async def get(self, request: Request) -> Response:
        """List the caller's tokens, by id. Their secrets are not stored and never shown again."""
        found = await self.operations.tokens.of(require_caller(request).user)
        return responses.models([schemas.Token.of(token) for token in found])

    @endpoint("logIn", schemas.IssuedToken, status=201, body=schemas.NewToken, raises=(Invalid, WrongLogin, Busy))
    async def post(self, request: Request, body: schemas.NewToken) -> Response:
        """Issue another token for a username and password."""
        await limit_login(self.microblog.rate_limiter, body.username)
        issued = await self.operations.access.log_in(body.username, body.password, body.name)
        return responses.secret(schemas.IssuedToken.of_issued(issued), f"/tokens/{issued.token.id}")


class Token(View):
    """One of the caller's tokens."""

    @endpoint("revokeToken", None, status=204, access=Access.AUTHENTICATED, raises=(NotFound,))
    async def delete(self, request: Request, token: str) -> Response:
        """Revoke one of the caller's tokens. Those of other users are not found."""
        user = require_caller(request).user
        await self.operations.tokens.revoke(user, token_id(token))
        await self.operations.live.check_access(user)
        return responses.no_content()
