"""A person's page and a single post as plain HTML: readable without JavaScript, by search engines and in previews.

They show what the API shows to all, and nothing about the reader. Where scripts run, the page's script takes over.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from aiohttp.web import Request, Response

from microblog_streams.domain.errors import Invalid, NotFound, NotStoredYet
from microblog_streams.domain.models import PostView, User
from web.api.schemas import rfc3339
from web.http.params import post_id
from web.pages import html

#: Posts on a person's page; the script loads more.
POSTS: Final = 20
#: Characters of a post in a title.
TITLE_CHARACTERS: Final = 60

html.add_filter("rfc3339", rfc3339)
html.add_filter("minute", lambda at: f"{at:%Y-%m-%d %H:%M} UTC")


class PersonPage(html.Page):
    """A person and their newest posts."""

    async def get(self, request: Request, name: str) -> Response:
        """Return the page; a 404 with a page if no user has the name."""
        user = await self.named(name)
        if user is None:
            return self.missing(request, "There is no one of this name here.")
        page = await self.operations.posts.by_author(user.id, None, POSTS)
        return self.respond(request, user, page.items)

    async def named(self, name: str) -> User | None:
        """Return the user with this name, in any case and form."""
        try:
            return next(iter((await self.operations.users.named(name)).items), None)
        except Invalid:
            return None

    def respond(
        self, request: Request, user: User, posts: Sequence[PostView], post: PostView | None = None
    ) -> Response:
        """Return the page of a person, or of one post of theirs."""
        settings = self.microblog.settings
        title = f"{_beginning(post.content)} · @{user.username}" if post else f"@{user.username}"
        path = f"/@{user.username}" + (f"/{post.id}" if post else "")
        return self.page(
            request,
            "person.html",
            user=user,
            posts=posts,
            post=post,
            title=title,
            path=path,
            url=settings.public_url + path if settings.public_url else None,
        )

    def missing(self, request: Request, sentence: str) -> Response:
        """Return the page of a 404."""
        return self.page(request, "missing.html", 404, sentence=sentence)


class PostPage(PersonPage):
    """One post."""

    async def get(self, request: Request, name: str, post: str) -> Response:  # type: ignore[override]
        """Return its page; a 404 where the person has no such post."""
        user, found = await self.named(name), await self._post(post)
        if user is None or found is None or found.author != user.id:
            return self.missing(request, "There is no such post. It may have been deleted.")
        return self.respond(request, user, [found], found)

    async def _post(self, text: str) -> PostView | None:
        try:
            found: UUID = post_id(text)
            return await self.operations.posts.get(found)
        except (Invalid, NotFound, NotStoredYet):
            return None


def _beginning(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE_CHARACTERS else line[: TITLE_CHARACTERS - 1].rstrip() + "…"
