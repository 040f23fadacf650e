"""The session of the page in a browser: a token in a cookie.

Programs have no use for it: they send their token. Who signs in gets a new token each time, so a cookie that was in the
browser before is worth nothing after; its token is revoked.
"""

from contextlib import suppress
from typing import Final

from aiohttp.web import Request, Response

from microblog_streams.domain.errors import Busy, NotFound, UsernameTaken, WrongLogin
from microblog_streams.operations.tokens import Issued
from microblog_streams.operations.users import MIN_KEY_CHARACTERS
from web.api import schemas
from web.api.tokens import limit_login
from web.api.view import Access, View, endpoint
from web.http import responses
from web.http.authorization import Caller, caller, require_caller
from web.http.idempotency import idempotency_key
from web.http.problems import CrossSite
from web.middlewares.sessions import SESSIONS

#: The name of a session's token in the list of tokens.
SESSION_NAME: Final = "web page"


class SessionView(View):
    """A view that answers with a session."""

    async def begun(self, request: Request, issued: Issued) -> Response:
        """Return a new session, with its token as a cookie; the token of the session before is revoked."""
        if before := caller(request):
            await self.revoke(before)
        response = await self.session(Caller(issued.token.user, issued.token.id), 201)
        response.headers["Location"] = "/session/"
        request[SESSIONS].begin(request, response, issued.secret, self.operations.tokens.life)
        return response

    async def session(self, who: Caller | None, status: int = 200) -> Response:
        """Return who calls."""
        user = (await self.operations.users.find([who.user])).get(who.user) if who else None
        response = responses.model(schemas.Session.of(user, who.token if who else None), status)
        response.headers["Cache-Control"] = "no-store"
        return response

    async def revoke(self, who: Caller) -> None:
        """Revoke the token that a request was sent with."""
        with suppress(NotFound):
            await self.operations.tokens.revoke(who.user, who.token)
            await self.operations.live.check_access(who.user)


class Session(SessionView):
    """The caller's session."""

    @endpoint("getSession", schemas.Session)
    async def get(self, request: Request) -> Response:
        """Return who calls, by a session or a token; both fields are null for a caller who is not signed in."""
        return await self.session(caller(request))

    @endpoint("signIn", schemas.Session, status=201, body=schemas.SignIn, raises=(WrongLogin, Busy, CrossSite))
    async def post(self, request: Request, body: schemas.SignIn) -> Response:
        """Sign in with username and password on the server's own page, which gets the session as a cookie."""
        request[SESSIONS].require_own_page(request)
        await limit_login(self.microblog.rate_limiter, body.username)
        issued = await self.operations.access.log_in(body.username, body.password, SESSION_NAME)
        return await self.begun(request, issued)

    @endpoint("signOut", None, status=204, access=Access.AUTHENTICATED, raises=(CrossSite,))
    async def delete(self, request: Request) -> Response:
        """Revoke the token that the request was sent with, and have the browser forget its cookie."""
        await self.revoke(require_caller(request))
        response = responses.no_content()
        request[SESSIONS].end(request, response)
        return response


class SessionRegistration(SessionView):
    """Registering on the page."""

    @endpoint(
        "signUp",
        schemas.Session,
        status=201,
        body=schemas.SignUp,
        min_key_length=MIN_KEY_CHARACTERS,
        raises=(NotFound, UsernameTaken, Busy, CrossSite),
    )
    async def post(self, request: Request, body: schemas.SignUp) -> Response:
        """Register a user on the server's own page, which gets their first token as the cookie of a session."""
        request[SESSIONS].require_own_page(request)
        key = idempotency_key(request, body)
        issued = await self.operations.access.sign_up(body.username, body.password, SESSION_NAME, key)
        return await self.begun(request, issued)
