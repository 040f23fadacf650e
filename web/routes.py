"""Every URL of the API, in one table. A new one is one view and one line here.

Each is served with a slash at its end and without. The table is also what the lock goes by: a path that is not in it
is not public.
"""

from typing import Any, Final, cast

from faust.types import AppT

from web.admin.follower_lookup import Edge, FollowerRows
from web.admin.metrics import Metrics
from web.admin.overview import Overview, Own, Status
from web.api.blocks import Block, Blocks
from web.api.follows import Follow, Followees, Followers
from web.api.health import Health, Ready
from web.api.posts import AuthorPosts, Posts, PostsOrPost
from web.api.timelines import Timeline
from web.api.tokens import Token, Tokens
from web.api.users import User, Users
from web.api.view import MICROBLOG, Application, View
from web.docs.view import Docs, DocsFile
from web.http.trailing_slash import other
from web.openapi.view import OpenApi

Route = tuple[str, type[View]]

#: What people call.
API: Final[tuple[Route, ...]] = (
    ("/users/", Users),
    ("/users/{user}", User),
    ("/users/{follower}/follow/{followee}", Follow),
    ("/users/{user}/followers", Followers),
    ("/users/{user}/followees", Followees),
    ("/users/{blocker}/block/{blocked}", Block),
    ("/users/{user}/blocks", Blocks),
    ("/users/{user}/posts", AuthorPosts),
    ("/posts/", Posts),
    ("/posts/{ident}", PostsOrPost),
    ("/timelines/{user}", Timeline),
    ("/tokens/", Tokens),
    ("/tokens/{token}", Token),
)
#: What whoever runs the workers calls.
OPERATION: Final[tuple[Route, ...]] = (
    ("/health", Health),
    ("/ready", Ready),
)
#: What describes all of these, and is not described itself.
DESCRIPTION: Final[tuple[Route, ...]] = (
    ("/openapi.json", OpenApi),
    ("/docs", Docs),
    ("/docs/{name}", DocsFile),
)
#: What is behind the admin token, as Faust's own pages are.
INTERNALS: Final[tuple[Route, ...]] = (
    ("/metrics", Metrics),
    ("/admin/", Overview),
    ("/admin/status.json", Status),
    ("/admin/worker", Own),
    ("/admin/edges/{edge}", Edge),
    ("/admin/followers/{author}", FollowerRows),
)

PATHS: Final = frozenset(path for path, _ in API + OPERATION + DESCRIPTION)
#: The same in both spellings: what needs no admin token.
PUBLIC: Final = PATHS | {other(path) for path in PATHS}
#: The API's alone, in both spellings: where it matters who calls.
CALLED: Final = frozenset(spelling for path, _ in API for spelling in (path, other(path)))


def served(api: bool) -> tuple[Route, ...]:
    """Return the routes of a worker that serves the API, or does not."""
    operation = OPERATION + INTERNALS
    return API + DESCRIPTION + operation if api else operation


def register(app: AppT, application: Application, api: bool = True, required: bool = True) -> None:
    """Mount every view; to be called once per app, before its web server starts.

    ``application`` is what the views call. ``api``: whether the worker serves it; ``required``: whether its calls need
    their token.
    """
    cast(Any, app.web).web_app[MICROBLOG] = application
    for path, view in served(api):
        app.page(path, name=f"microblog:{view.__name__}")(view)
        app.web.route(other(path), app.web.views[path])
    if api:
        cast(OpenApi, app.web.views["/openapi.json"]).describe(API + OPERATION, required)
