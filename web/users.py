"""People: registering, finding, deleting."""

from aiohttp.web import Request, Response

from web import answers, schemas
from web.bodies import read
from web.cursors import Kind
from web.once import once
from web.paging import Paging
from web.params import user_id, username
from web.views import View


class Users(View):
    """Everybody."""

    async def get(self, request: Request) -> Response:
        """Return a page of users, by id; with ``?username=`` of the one who has this name, or of nobody."""
        paging = Paging.of(request)
        if (name := username(request)) is not None:
            return paging.users(await self.operations.users.named(name), Kind.USERS)
        return paging.users(await self.operations.users.page(paging.after(Kind.USERS), paging.limit), Kind.USERS)

    async def post(self, request: Request) -> Response:
        """Register somebody."""
        body = await read(request, schemas.NewUser)
        user = await self.operations.users.create(body.username, once(request, body))
        return answers.one(schemas.User.of(user), 201, f"/users/{user.id}")


class User(View):
    """One person."""

    async def get(self, request: Request, user: str) -> Response:
        """Return a user."""
        return answers.one(schemas.User.of(await self.operations.users.get(user_id(user))))

    async def delete(self, request: Request, user: str) -> Response:
        """Delete a user."""
        await self.operations.users.delete(user_id(user))
        return answers.nothing()
