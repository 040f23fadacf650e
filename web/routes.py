"""Every URL of the API, in one table. A new one is one view and one line here.

Each is served with a slash at its end and without. The table is also what the lock goes by: a path that is not in it
is not public.
"""

from typing import Any, Final, cast

from faust.types import AppT

from web.follows import Follow, Followees, Followers
from web.health import Health, Ready
from web.metrics import Metrics
from web.posts import AuthorPosts, Posts, PostsOrPost
from web.spellings import other
from web.timelines import Timeline
from web.users import User, Users
from web.views import APPLICATION, View

Route = tuple[str, type[View]]

#: What people call.
API: Final[tuple[Route, ...]] = (
    ("/users/", Users),
    ("/users/{user}", User),
    ("/users/{follower}/follow/{followee}", Follow),
    ("/users/{user}/followers", Followers),
    ("/users/{user}/followees", Followees),
    ("/users/{user}/posts", AuthorPosts),
    ("/posts/", Posts),
    ("/posts/{ident}", PostsOrPost),
    ("/timelines/{user}", Timeline),
)
#: What whoever runs the workers calls.
OPERATION: Final[tuple[Route, ...]] = (
    ("/health", Health),
    ("/ready", Ready),
)
#: What is behind the admin token, as Faust's own pages are.
INTERNALS: Final[tuple[Route, ...]] = (("/metrics", Metrics),)

PATHS: Final = frozenset(path for path, _ in API + OPERATION)
#: The same in both spellings: what needs no admin token.
PUBLIC: Final = PATHS | {other(path) for path in PATHS}


def served(api: bool) -> tuple[Route, ...]:
    """Return the routes of a worker that serves the API, or does not."""
    operation = OPERATION + INTERNALS
    return API + operation if api else operation


def register(app: AppT, api: bool = True) -> None:
    """Mount every view; to be called once per app, before its web server starts."""
    cast(Any, app.web).web_app[APPLICATION] = app
    for path, view in served(api):
        app.page(path, name=f"microblog:{view.__name__}")(view)
        app.web.route(other(path), app.web.views[path])
