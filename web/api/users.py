"""People: registering, finding, deleting."""

from aiohttp.web import Request, Response

from microblog_streams.domain.errors import Busy, NotFound, UsernameTaken
from microblog_streams.operations.users import LEAST_KEY
from web.api import schemas
from web.api.endpoint import Who, call
from web.api.view import View
from web.http import responses
from web.http.authorization import allow, everybody_may
from web.http.cursors import Kind
from web.http.idempotency import once
from web.http.paging import Paging
from web.http.params import user_id, username


class Users(View):
    """Everybody."""

    @call("listUsers", list[schemas.User], paged=True, query=("username",))
    async def get(self, request: Request) -> Response:
        """Return a page of users, by id; with ``?username=`` of the one who has this name, or of nobody."""
        paging = Paging.of(request)
        if (name := username(request)) is not None:
            return paging.users(await self.operations.users.named(name), Kind.USERS)
        return paging.users(await self.operations.users.page(paging.after(Kind.USERS), paging.limit), Kind.USERS)

    @call(
        "register",
        schemas.Registered,
        when_open=schemas.User,
        status=201,
        takes=schemas.NewUser,
        once=LEAST_KEY,
        raises=(NotFound, UsernameTaken, Busy),
    )
    async def post(self, request: Request, body: schemas.NewUser) -> Response:
        """Register somebody; their first token is shown this once."""
        wanted = not everybody_may(request)
        made = await self.operations.access.register(body.username, body.password, once(request, body), wanted)
        location = f"/users/{made.user.id}"
        if made.token is None:
            return responses.one(schemas.User.of(made.user), 201, location)
        return responses.secret(schemas.Registered.with_token(made.user, made.token), location)


class User(View):
    """One person."""

    @call("getUser", schemas.User, raises=(NotFound,))
    async def get(self, request: Request, user: str) -> Response:
        """Return a user."""
        return responses.one(schemas.User.of(await self.operations.users.get(user_id(user))))

    @call("deleteUser", None, status=204, by=Who.OWNER, raises=(NotFound,))
    async def delete(self, request: Request, user: str) -> Response:
        """Delete a user: oneself."""
        ident = user_id(user)
        allow(request, ident)
        await self.operations.users.delete(ident)
        return responses.nothing()
