"""What an operator does about users and posts, behind the admin token: docs/people.md has the calls."""

from aiohttp.web import Request, Response

from web.api.view import View
from web.http import responses
from web.http.params import post_id, user_id


class Suspension(View):
    """The suspension of a user."""

    async def put(self, request: Request, user: str) -> Response:
        """Suspend the user."""
        ident = user_id(user)
        await self.operations.moderation.suspend(ident)
        await self.operations.live.check_access(ident)
        return responses.no_content()

    async def delete(self, request: Request, user: str) -> Response:
        """Restore the user."""
        await self.operations.moderation.restore(user_id(user))
        return responses.no_content()


class RemovedPost(View):
    """A post of any author."""

    async def delete(self, request: Request, post: str) -> Response:
        """Delete it."""
        await self.operations.moderation.remove_post(post_id(post))
        return responses.no_content()


class PasswordReset(View):
    """A user's password."""

    async def post(self, request: Request, user: str) -> Response:
        """Give the user a new password, which is in this response alone."""
        password = await self.operations.moderation.reset_password(user_id(user))
        response = responses.mapping({"password": password.get_secret_value()})
        response.headers["Cache-Control"] = "no-store"
        return response
