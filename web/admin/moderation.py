"""What an operator does about users and posts, behind the admin token: calls, and a page with the same in forms.

docs/people.md has the calls. A browser sends the forms with the token only where something adds it to every request, as
it had to for the page. So any page could send them too, and they are taken from this server's own alone.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Self

from aiohttp.web import Request, Response
from pydantic import Field

from microblog_streams.domain import models
from microblog_streams.domain.errors import Invalid, MicroblogError, NotFound
from microblog_streams.domain.ids import PUBLIC
from microblog_streams.operations.pages import Page
from microblog_streams.operations.validation import MAX_NOTE
from web.admin import html
from web.api.schemas import Time
from web.api.view import View
from web.http import responses
from web.http.body import RequestModel, read_body, read_form
from web.http.paging import CursorKind, Paging
from web.http.params import USER_ID, post_id, user_id
from web.http.problems import problem_document, problem_type
from web.http.responses import ResponseModel, preferred_type
from web.middlewares.sessions import Sessions

_JSON: Final = "application/json"


class NewSuspension(RequestModel):
    """Why a user is suspended."""

    reason: Annotated[str, Field(json_schema_extra={"maxLength": MAX_NOTE})] = ""


class SuspendedUser(ResponseModel):
    """A suspended user, since when, and why."""

    user_id: int
    username: str
    suspended_at: Time
    reason: str

    @classmethod
    def of(cls, found: models.Suspension) -> Self:
        """Return a suspension's JSON."""
        user = found.user
        return cls(user_id=user.id, username=user.username, suspended_at=found.at, reason=found.reason)


class Suspension(View):
    """The suspension of a user."""

    async def put(self, request: Request, user: str) -> Response:
        """Suspend the user. The body, with a reason, may be left out."""
        body = await read_body(request, NewSuspension) if request.body_exists else NewSuspension()
        await _suspend(self, user_id(user), body.reason)
        return responses.no_content()

    async def delete(self, request: Request, user: str) -> Response:
        """Restore the user."""
        await _restore(self, user_id(user))
        return responses.no_content()


class Suspensions(View):
    """Who is suspended, as JSON for programs; for browsers a page, which also suspends, restores and removes."""

    async def get(self, request: Request) -> Response:
        """Return a page of them, by id, in the type that ``Accept`` prefers."""
        if preferred_type(request, (_JSON, html.MEDIA_TYPE)) == html.MEDIA_TYPE:
            response = await self._html(request)
        else:
            paging, page = await self._page(request)
            headers = paging.links(page, CursorKind.SUSPENSIONS) | {"Cache-Control": "no-store"}
            response = responses.models([SuspendedUser.of(each) for each in page.items])
            response.headers.update(headers)
        response.headers.add("Vary", "Accept")
        return response

    async def post(self, request: Request) -> Response:
        """Do what a form of the page says; return the page with the outcome. Raises CrossSite."""
        Sessions(self.microblog.settings).require_own_page(request)
        form = await read_form(request)
        try:
            return await self._html(request, done=await self._do(form))
        except MicroblogError as exc:
            problem = problem_type(type(exc))
            said = str(problem_document(problem, exc)["detail"])
            return await self._html(request, problem.status, form, failed=said)

    async def _page(self, request: Request) -> tuple[Paging, Page[models.Suspension, int]]:
        paging = Paging.of(request)
        after = paging.user_position(CursorKind.SUSPENSIONS)
        return paging, await self.operations.moderation.suspended(after, paging.limit)

    async def _html(
        self, request: Request, status: int = 200, form: Mapping[str, str] | None = None, **outcome: str
    ) -> Response:
        paging, page = await self._page(request)
        values = {"form": form or {}, "done": None, "failed": None, **outcome}
        return html.page(
            "suspensions.html",
            status,
            forms=True,
            people=page.items,
            next=paging.next_path(page, CursorKind.SUSPENSIONS),
            max_reason=MAX_NOTE,
            **values,
        )

    async def _do(self, form: Mapping[str, str]) -> str:
        """Do what a form says; return that as text."""
        match form.get("action"):
            case "suspend":
                user = await self._user(form.get("user", ""))
                await _suspend(self, user, form.get("reason", ""))
                return f"User {user} is suspended."
            case "restore":
                user = user_id(form.get("user", ""))
                await _restore(self, user)
                return f"User {user} is restored."
            case "remove":
                post = post_id(form.get("post", "").strip().rpartition("/")[2])
                await self.operations.moderation.remove_post(post)
                return f"Post {post} is removed."
        raise Invalid("action", "must be suspend, restore or remove")

    async def _user(self, text: str) -> int:
        """Return the id of a user given by id, or by name, perhaps after an @. Raises Invalid, NotFound."""
        name = text.strip()
        if name.isascii() and name.isdecimal():
            return USER_ID.parse(name, "userId")
        found = (await self.operations.users.named(name.removeprefix("@"))).items
        if not found:
            raise NotFound("user", name)
        return found[0].id


async def _suspend(view: View, user: int, reason: str) -> None:
    await view.operations.moderation.suspend(user, reason)
    await view.operations.live.check_access(user)
    await view.operations.live.reset(PUBLIC)


async def _restore(view: View, user: int) -> None:
    await view.operations.moderation.restore(user)
    await view.operations.live.reset(PUBLIC)


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
