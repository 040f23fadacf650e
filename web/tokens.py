"""Tokens: getting one by name and password, seeing one's own, revoking."""

from aiohttp.web import Request, Response

from web import answers, schemas
from web.bodies import read
from web.callers import insist
from web.params import token_id
from web.views import View


class Tokens(View):
    """The caller's own tokens."""

    async def get(self, request: Request) -> Response:
        """Return them, by id. Never the secrets: they are not kept."""
        found = await self.operations.tokens.of(insist(request).user)
        return answers.several([schemas.Token.of(token) for token in found])

    async def post(self, request: Request) -> Response:
        """Give another one, to whoever has the password."""
        body = await read(request, schemas.NewToken)
        issued = await self.operations.access.log_in(body.username, body.password, body.name)
        return answers.secret(schemas.IssuedToken.of_issued(issued), f"/tokens/{issued.token.id}")


class Token(View):
    """One of the caller's tokens."""

    async def delete(self, request: Request, token: str) -> Response:
        """Revoke it; others' are not there."""
        await self.operations.tokens.revoke(insist(request).user, token_id(token))
        return answers.nothing()
