"""Searching posts and users, and the hashtags of the day."""

from aiohttp.web import Request, Response

from microblog_streams.domain.errors import SearchOff
from web.api import schemas
from web.api.view import View, endpoint
from web.http import params, responses
from web.http.authorization import reader
from web.http.paging import CursorKind, Paging


class SearchPosts(View):
    """Posts by what they say."""

    @endpoint("searchPosts", list[schemas.FoundPost], paged=True, query=("q", "sort"), raises=(SearchOff,))
    async def get(self, request: Request) -> Response:
        """Find posts: words, "phrases", #tags, @names, from:name, after: and before: dates; - in front excludes.

        All parts must apply. `highlights` are places in `content`, in code points. The best posts end after 100.
        """
        query, sort = params.query(request), params.sort(request)
        paging = Paging.of_search(request, {"q": query, "sort": sort})
        search, who = self.microblog.search, reader(request)
        if sort == "best":
            rest = paging.post_positions(CursorKind.BEST_POSTS)
            best = await search.best(query, rest, paging.limit, who)
            return responses.json(
                schemas.found_posts_json(best.items), headers=paging.links(best, CursorKind.BEST_POSTS)
            )
        _, before = paging.post_position(CursorKind.FOUND_POSTS)
        page = await search.newest(query, before, paging.limit, who)
        return responses.json(schemas.found_posts_json(page.items), headers=paging.links(page, CursorKind.FOUND_POSTS))


class SearchUsers(View):
    """Users by their names."""

    @endpoint("searchUsers", list[schemas.User], paged=True, query=("q",), raises=(SearchOff,))
    async def get(self, request: Request) -> Response:
        """Find users by name: the same name, then names that begin so, then similar ones; 100 at most."""
        query = params.query(request)
        paging = Paging.of_search(request, {"q": query})
        rest = paging.user_positions(CursorKind.FOUND_USERS)
        page = await self.microblog.search.users(query, rest, paging.limit, reader(request))
        return responses.json(schemas.users_json(page.items), headers=paging.links(page, CursorKind.FOUND_USERS))


class TrendingTags(View):
    """The hashtags of the day."""

    @endpoint("listTrendingTags", list[schemas.TrendingTag], query=("limit",), raises=(SearchOff,))
    async def get(self, request: Request) -> Response:
        """List the hashtags that most authors use now.

        `score` counts distinct authors: those of the last three hours in full, and half as much for each three hours
        before, for a day.
        """
        trends = await self.microblog.search.trends(params.limit(request))
        return responses.models([schemas.TrendingTag.of(trend) for trend in trends])
