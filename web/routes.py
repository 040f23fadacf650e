"""Every URL, in one table: a new one is one view and one line here.

Each path is served with and without a slash at its end. The admin gate uses the table too: a path that is neither
``API``, ``OPERATION`` nor ``DESCRIPTION`` is not public.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from faust.types import AppT

from microblog_streams.config.settings import Settings
from web.admin.follower_lookup import Edge, FollowerRows
from web.admin.metrics import Metrics
from web.admin.moderation import PasswordReset, RemovedPost, Suspension, Suspensions
from web.admin.overview import Overview, Status, WorkerStatus
from web.api.avatars import Avatar
from web.api.blocks import Block, Blocks
from web.api.follows import Follow, Followees, Followers
from web.api.health import Health, Ready
from web.api.live import LivePublicTimeline, LiveTimeline
from web.api.posts import AuthorPosts, Posts, PostsOrPost
from web.api.search import SearchPosts, SearchUsers, TrendingTags
from web.api.session import Session, SessionRegistration
from web.api.timelines import PublicTimeline, Timeline
from web.api.tokens import Token, Tokens
from web.api.users import Password, User, Users
from web.api.view import View
from web.application import MICROBLOG, Application
from web.http.params import toggle_slash
from web.middlewares import stack
from web.middlewares.stack import REQUEST_TIMES, RequestTimes
from web.openapi.docs_page import Docs, DocsFile
from web.openapi.document import OpenApi
from web.pages.people import PersonPage, PostPage
from web.pages.shell import Robots, Shell
from web.pages.static_files import StaticFile

Route = tuple[str, type[View]]

#: The REST API.
API: Final[tuple[Route, ...]] = (
    ("/users/", Users),
    ("/users/{user}", User),
    ("/users/{follower}/follow/{followee}", Follow),
    ("/users/{user}/followers", Followers),
    ("/users/{user}/followees", Followees),
    ("/users/{blocker}/block/{blocked}", Block),
    ("/users/{user}/blocks", Blocks),
    ("/users/{user}/posts", AuthorPosts),
    ("/users/{user}/password", Password),
    ("/users/{user}/avatar.svg", Avatar),
    ("/posts/", Posts),
    ("/posts/{ident}", PostsOrPost),
    ("/timelines/public", PublicTimeline),
    ("/timelines/public/live", LivePublicTimeline),
    ("/timelines/{user}", Timeline),
    ("/timelines/{user}/live", LiveTimeline),
    ("/search/posts", SearchPosts),
    ("/search/users", SearchUsers),
    ("/trends/tags", TrendingTags),
    ("/tokens/", Tokens),
    ("/tokens/{token}", Token),
    ("/session/", Session),
    ("/session/registration", SessionRegistration),
)
#: Health checks.
OPERATION: Final[tuple[Route, ...]] = (
    ("/health", Health),
    ("/ready", Ready),
)
#: The description of the two tables above.
DESCRIPTION: Final[tuple[Route, ...]] = (
    ("/openapi.json", OpenApi),
    ("/docs", Docs),
    ("/docs/{name}", DocsFile),
)
#: What people open in a browser.
PAGES: Final[tuple[Route, ...]] = (
    ("/", Shell),
    ("/robots.txt", Robots),
    ("/static/{version}/{name}", StaticFile),
    ("/@{name}", PersonPage),
    ("/@{name}/{post}", PostPage),
)
METRICS_PATH: Final = "/metrics"
#: Pages for operators, which need the admin token, as Faust's own pages do; the metrics only from some networks.
INTERNALS: Final[tuple[Route, ...]] = (
    (METRICS_PATH, Metrics),
    ("/admin/", Overview),
    ("/admin/status.json", Status),
    ("/admin/worker", WorkerStatus),
    ("/admin/suspensions", Suspensions),
    ("/admin/users/{user}/suspension", Suspension),
    ("/admin/users/{user}/password", PasswordReset),
    ("/admin/posts/{post}", RemovedPost),
    ("/admin/edges/{edge}", Edge),
    ("/admin/followers/{author}", FollowerRows),
)

#: What the search indexer serves.
INDEXER: Final[tuple[Route, ...]] = (*OPERATION, (METRICS_PATH, Metrics))


def _both_forms(paths: Iterable[str]) -> frozenset[str]:
    return frozenset(form for path in paths for form in (path, toggle_slash(path)))


PATHS: Final = frozenset(path for path, _ in API + OPERATION + DESCRIPTION + PAGES)
#: Both forms of the paths that need no admin token.
PUBLIC: Final = _both_forms(PATHS)
#: Both forms of the API's paths.
API_PATHS: Final = _both_forms(path for path, _ in API)
#: Both forms of the pages that read stores.
STORE_PAGES: Final = _both_forms(path for path, view in PAGES if issubclass(view, PersonPage))
#: Both forms of the paths of live timelines.
STREAMS: Final = _both_forms(path for path, view in API if issubclass(view, LiveTimeline | LivePublicTimeline))
#: Both forms of the metrics' path.
METRICS_PATHS: Final = _both_forms([METRICS_PATH])
#: What the middlewares know of the routes.
MIDDLEWARE_PATHS: Final = stack.Paths(PUBLIC, API_PATHS, STORE_PAGES, STREAMS, METRICS_PATHS)
#: The same for a worker without the API: at ``/`` it has a page of Faust's own, which is not public.
WITHOUT_PAGES: Final = replace(MIDDLEWARE_PATHS, public=PUBLIC - {"/"})


def application_options(settings: Settings) -> Mapping[str, object]:
    """Return the value of Faust's setting ``web_application_options``."""
    return stack.application_options(settings, MIDDLEWARE_PATHS if settings.serves_api else WITHOUT_PAGES)


def served(api: bool) -> tuple[Route, ...]:
    """Return the routes of a worker; ``api`` is whether it serves the REST API."""
    operation = OPERATION + INTERNALS
    return PAGES + API + DESCRIPTION + operation if api else operation


def register(app: AppT, application: Application, api: bool = True, required: bool = True) -> None:
    """Register every view. Call it once for an app, before its web server starts.

    ``application`` is what views and middlewares use, ``api`` is whether the worker serves the REST API, ``required``
    whether its calls need their token.
    """
    register_routes(app, application, served(api))
    if api:
        cast(OpenApi, app.web.views["/openapi.json"]).describe(API + OPERATION, required)


def register_routes(app: AppT, application: Application, routes: Sequence[Route]) -> None:
    """Register the views of these routes."""
    web_app = cast(Any, app.web).web_app
    web_app[MICROBLOG], web_app[REQUEST_TIMES] = application, RequestTimes()
    for path, view in routes:
        app.page(path, name=f"microblog:{view.__name__}")(view)
        if path != "/":
            app.web.route(toggle_slash(path), app.web.views[path])
