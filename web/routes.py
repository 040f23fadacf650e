"""Every URL of the API, in one table. A new one is one view and one line here.

The table is also what the lock goes by: a path that is not in it is not public.
"""

from typing import Final

from faust.types import AppT

from web.follows import Follow, Followees, Followers
from web.health import Health, Ready
from web.posts import AuthorPosts, Posts, PostsOrPost
from web.timelines import Timeline
from web.users import User, Users
from web.views import View

ROUTES: Final[tuple[tuple[str, type[View]], ...]] = (
    ("/users/", Users),
    ("/users/{user}", User),
    ("/users/{follower}/follow/{followee}", Follow),
    ("/users/{user}/followers", Followers),
    ("/users/{user}/followees", Followees),
    ("/users/{user}/posts", AuthorPosts),
    ("/posts/", Posts),
    ("/posts/{ident}", PostsOrPost),
    ("/timelines/{user}", Timeline),
    ("/health", Health),
    ("/ready", Ready),
)

PATHS: Final = frozenset(path for path, _ in ROUTES)


def register(app: AppT) -> None:
    """Mount every view; to be called once per app, before its web server starts."""
    for path, view in ROUTES:
        app.page(path, name=f"microblog:{view.__name__}")(view)
