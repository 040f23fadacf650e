"""Registering, finding and deleting users, and their profiles."""

from aiohttp.web import Request, Response

from microblog_streams.domain.errors import Busy, Forbidden, Invalid, NotFound, UsernameTaken
from microblog_streams.domain.models import ProfileChange
from microblog_streams.operations.profiles import ProfilePage
from microblog_streams.operations.users import MIN_KEY_CHARACTERS
from web.api import schemas
from web.api.avatars import avatar_path
from web.api.tokens import limit_login
from web.api.view import Access, View, endpoint
from web.http import responses
from web.http.authorization import is_open, require_user
from web.http.idempotency import idempotency_key
from web.http.paging import CursorKind, Paging
from web.http.params import user_id, username


class Users(View):
    """All users."""

    @endpoint("listUsers", list[schemas.User], paged=True, query=("username",))
    async def get(self, request: Request) -> Response:
        """List users, by id; with `username` only the user of that name, if there is one."""
        paging = Paging.of(request)
        if (name := username(request)) is not None:
            page = await self.operations.users.named(name)
        else:
            page = await self.operations.users.page(paging.user_position(CursorKind.USERS), paging.limit)
        return responses.json(schemas.users_json(page.items), headers=paging.links(page, CursorKind.USERS))

    @endpoint(
        "register",
        schemas.Registered,
        open_response=schemas.User,
        status=201,
        body=schemas.NewUser,
        min_key_length=MIN_KEY_CHARACTERS,
        raises=(NotFound, UsernameTaken, Busy),
    )
    async def post(self, request: Request, body: schemas.NewUser) -> Response:
        """Register a user, and issue their first token. Its secret is shown only in this response."""
        key = idempotency_key(request, body)
        registration = await self.operations.access.register(body.username, body.password, key, not is_open(request))
        location = f"/users/{registration.user.id}"
        if registration.token is None:
            return responses.model(schemas.User.of(registration.user), 201, location)
        return responses.secret(schemas.Registered.with_token(registration.user, registration.token), location)


class User(View):
    """One user."""

    @endpoint("getUser", schemas.Profile, raises=(NotFound,))
    async def get(self, request: Request, user: str) -> Response:
        """Return a user with their profile."""
        return _profile(await self.operations.profiles.get(user_id(user)))

    @endpoint("changeProfile", schemas.Profile, body=schemas.ProfileChange, access=Access.OWNER, raises=(NotFound,))
    async def patch(self, request: Request, user: str, body: schemas.ProfileChange) -> Response:
        """Change the caller's profile: the fields that are given."""
        ident = user_id(user)
        require_user(request, ident)
        links = None if body.links is None else tuple(body.links)
        change = ProfileChange(body.display_name, body.note, links)
        return _profile(await self.operations.profiles.change(ident, change))

    @endpoint("deleteUser", None, status=204, access=Access.OWNER, raises=(NotFound,))
    async def delete(self, request: Request, user: str) -> Response:
        """Delete the caller."""
        ident = user_id(user)
        require_user(request, ident)
        await self.operations.users.delete(ident)
        await self.operations.live.check_access(ident)
        return responses.no_content()


class Password(View):
    """A user's password."""

    @endpoint(
        "setPassword",
        None,
        status=204,
        body=schemas.NewPassword,
        access=Access.OWNER,
        raises=(NotFound, Invalid, Forbidden, Busy),
    )
    async def put(self, request: Request, user: str, body: schemas.NewPassword) -> Response:
        """Set the caller's password. A user who has one must give it; tokens stay valid."""
        ident = user_id(user)
        require_user(request, ident)
        await limit_login(self.microblog.rate_limiter, (await self.operations.users.get(ident)).username)
        await self.operations.access.set_password(ident, body.password, body.current_password)
        return responses.no_content()


def _profile(page: ProfilePage) -> Response:
    return responses.model(schemas.Profile.of_page(page, avatar_path(page.user)))
