"""Tokens: getting one by name and password, seeing one's own, revoking."""

from aiohttp.web import Request, Response

from microblog_streams.domain.errors import Busy, Invalid, NotFound, WrongLogin
from web.api import schemas
from web.api.endpoint import Who, call
from web.api.view import View
from web.http import responses
from web.http.authorization import insist
from web.http.login_limit import sign_in_as
from web.http.params import token_id


class Tokens(View):
    """The caller's own tokens."""

    @call("listTokens", list[schemas.Token], by=Who.CALLER)
    async def get(self, request: Request) -> Response:
        """Return them, by id. Never the secrets: they are not kept."""
        found = await self.operations.tokens.of(insist(request).user)
        return responses.several([schemas.Token.of(token) for token in found])

    @call("logIn", schemas.IssuedToken, status=201, takes=schemas.NewToken, raises=(Invalid, WrongLogin, Busy))
    async def post(self, request: Request, body: schemas.NewToken) -> Response:
        """Give another one, to whoever has the password."""
        await sign_in_as(request, body.username)
        issued = await self.operations.access.log_in(body.username, body.password, body.name)
        return responses.secret(schemas.IssuedToken.of_issued(issued), f"/tokens/{issued.token.id}")


class Token(View):
    """One of the caller's tokens."""

    @call("revokeToken", None, status=204, by=Who.CALLER, raises=(NotFound,))
    async def delete(self, request: Request, token: str) -> Response:
        """Revoke it; others' are not there."""
        await self.operations.tokens.revoke(insist(request).user, token_id(token))
        return responses.nothing()
