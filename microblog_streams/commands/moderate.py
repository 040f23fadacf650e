"""The command ``moderate``: suspends and restores users, lists who is suspended, removes posts, resets passwords.

It makes the calls of docs/people.md to one worker, with the admin token of the settings, so that caches and streams
know of the change at once.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import click
from faust import App
from faust.cli import argument, option

from microblog_streams.client import ClientError, NotFound
from microblog_streams.client.models import Model, Request, User, path
from microblog_streams.client.pages import Listing
from microblog_streams.client.retrying import Retrying
from microblog_streams.client.transport import AuthenticatedTransport, HttpTransport
from microblog_streams.commands.common import expected_failures
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError

#: Seconds for a call with all its attempts, and for one attempt.
TOTAL_SECONDS, ATTEMPT_SECONDS = 30.0, 12.0
_LIST: Final = "/admin/suspensions"
_ACTIONS: Final = ("list", "suspend", "restore", "remove-post", "reset-password")


class SuspendedUser(Model):
    """A suspended user, as a worker lists them."""

    user_id: int
    username: str
    suspended_at: datetime
    reason: str


class _Password(Model):
    password: str


def register(app: App, settings: Settings) -> None:
    """Add ``moderate list|suspend|restore|remove-post|reset-password [TARGET]`` to the app's commands."""

    @app.command(
        argument("action", type=click.Choice(_ACTIONS)),
        argument("target", required=False, metavar="[USER|POST]"),
        option("--reason", default="", help="suspend: why, for operators alone."),
        option("--json", "as_json", is_flag=True, help="list: as JSON."),
        option("--worker", "url", default=settings.own_url, show_default=True, help="URL of a worker."),
    )
    async def moderate(
        self: Any,  # noqa: ANN401 -- Faust's own
        action: str,
        target: str | None,
        reason: str,
        as_json: bool,
        url: str,
    ) -> None:
        """Suspend a user (by name or id) or restore them, list who is suspended, remove a post, reset a password."""
        with expected_failures():
            check(action, target, reason)
            async with operator(settings, url) as worker:
                print(await execute(worker, action, target or "", reason, as_json))


def check(action: str, target: str | None, reason: str) -> None:
    """Raise SetupError where the arguments contradict each other."""
    if action == "list" and target:
        raise SetupError("moderate list takes neither a user nor a post")
    if action != "list" and not target:
        raise SetupError(f"moderate {action} needs {'the id of a post' if action == 'remove-post' else 'a user'}")
    if reason and action != "suspend":
        raise SetupError(f"moderate {action} takes no --reason")


@asynccontextmanager
async def operator(settings: Settings, url: str) -> AsyncIterator["Operator"]:
    """Open the calls to a worker. Raises SetupError: without an admin token, and for each call that fails."""
    if settings.admin_token is None:
        raise SetupError("MICROBLOG_ADMIN_TOKEN is not set: it must be the workers'")
    http = HttpTransport()
    retrying = Retrying(http.send, [url.rstrip("/")], TOTAL_SECONDS, ATTEMPT_SECONDS)
    try:
        yield Operator(AuthenticatedTransport(retrying, http, token=settings.admin_token.get_secret_value()))
    except NotFound as exc:
        wrong_token = exc.problem.type == "/problems/unknown-path"
        raise SetupError(
            f"{url} does not take the admin token of these settings" if wrong_token else str(exc)
        ) from None
    except ClientError as exc:
        raise SetupError(str(exc)) from None
    finally:
        await http.close()


@dataclass(frozen=True)
class Operator:
    """The calls of an operator. All raise ClientError."""

    transport: AuthenticatedTransport

    async def suspended(self) -> Sequence[SuspendedUser]:
        """Return all who are suspended, by id."""
        return [each async for each in Listing(self.transport, _LIST, SuspendedUser)]

    async def call(self, method: str, *parts: object, body: object = None) -> None:
        """Make a call without a result."""
        await self.transport.call(Request(method, path("admin", *parts), body))

    async def reset_password(self, user: int) -> str:
        """Return the user's new password; each call gives another one."""
        found: _Password = await self.transport.read(
            Request("POST", path("admin", "users", user, "password")), _Password
        )
        return found.password

    async def user(self, text: str) -> int:
        """Return the id of a user who is not suspended, given by id or name. Raises SetupError."""
        if text.isascii() and text.isdecimal():
            return int(text)
        name = text.removeprefix("@")
        anyone = replace(self.transport, token=None)
        found: tuple[User, ...] = await anyone.read(Request("GET", path("users", "", username=name)), tuple[User, ...])
        if not found:
            raise SetupError(f"there is no user named {name}")
        return found[0].id

    async def suspended_user(self, text: str) -> int:
        """Return the id of a suspended user, given by id or name. Raises SetupError."""
        if text.isascii() and text.isdecimal():
            return int(text)
        name = text.removeprefix("@")
        for each in await self.suspended():
            if each.username.casefold() == name.casefold():
                return each.user_id
        raise SetupError(f"no user named {name} is suspended")


async def execute(worker: Operator, action: str, target: str, reason: str, as_json: bool) -> str:
    """Do an action; return what is to be printed. Raises ClientError, SetupError."""
    match action:
        case "suspend":
            user = await worker.user(target)
            await worker.call("PUT", "users", user, "suspension", body={"reason": reason})
            return f"user {user} is suspended"
        case "restore":
            user = await worker.suspended_user(target)
            await worker.call("DELETE", "users", user, "suspension")
            return f"user {user} is restored"
        case "remove-post":
            await worker.call("DELETE", "posts", target.rpartition("/")[2])
            return f"post {target} is removed"
        case "reset-password":
            return await worker.reset_password(await worker.user(target))
    return as_text(await worker.suspended(), as_json)


def as_text(people: Sequence[SuspendedUser], as_json: bool) -> str:
    """Return the list as lines of tab-separated fields, or as JSON."""
    if as_json:
        return json.dumps([each.model_dump(mode="json", by_alias=True) for each in people])
    lines = [
        f"{each.user_id}\t{each.username}\t{each.suspended_at:%Y-%m-%dT%H:%M:%SZ}\t{' '.join(each.reason.split())}"
        for each in people
    ]
    return "\n".join(lines) or "no user is suspended"
