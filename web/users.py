"""People: registering, finding, deleting."""

from aiohttp.web import Request, Response

from web import answers, schemas
from web.bodies import read
from web.callers import allow, everybody_may
from web.cursors import Kind
from web.once import once
from web.paging import Paging
from web.params import user_id
from web.views import View


class Users(View):
    """Everybody."""

    async def get(self, request: Request) -> Response:
        """Return a page of users, by id."""
        paging = Paging.of(request)
        return paging.users(await self.operations.users.page(paging.after(Kind.USERS), paging.limit), Kind.USERS)

    async def post(self, request: Request) -> Response:
        """Register somebody; their first token is shown this once."""
        body = await read(request, schemas.NewUser)
        wanted = not everybody_may(request)
        made = await self.operations.access.register(body.username, body.password, once(request, body), wanted)
        location = f"/users/{made.user.id}"
        if made.token is None:
            return answers.one(schemas.User.of(made.user), 201, location)
        return answers.secret(schemas.Registered.with_token(made.user, made.token), location)


class User(View):
    """One person."""

    async def get(self, request: Request, user: str) -> Response:
        """Return a user."""
        return answers.one(schemas.User.of(await self.operations.users.get(user_id(user))))

    async def delete(self, request: Request, user: str) -> Response:
        """Delete a user: oneself."""
        ident = user_id(user)
        allow(request, ident)
        await self.operations.users.delete(ident)
        return answers.nothing()
