"""Posts: writing, reading, deleting, and a person's own."""

from aiohttp.web import Request, Response

from microblog_streams.domain.errors import BrokerUnavailable, NotFound, OutcomeUnknown
from web.api import schemas
from web.api.endpoint import Who, call
from web.api.view import View
from web.http import responses
from web.http.authorization import actor, allow
from web.http.cursors import Kind
from web.http.idempotency import once
from web.http.paging import Paging
from web.http.params import looks_like_post_id, post_id, user_id

_SENDING = (NotFound, BrokerUnavailable, OutcomeUnknown)


class Posts(View):
    """All posts: a place to write to."""

    @call("post", schemas.Post, status=201, takes=schemas.NewPost, by=Who.OWNER, once=1, raises=_SENDING)
    async def post(self, request: Request, body: schemas.NewPost) -> Response:
        """Write a post."""
        allow(request, body.user_id)
        post = await self.operations.posts.create(body.user_id, body.content, once(request, body))
        return responses.one(schemas.Post.of(post), 201, f"/posts/{post.id}")


class AuthorPosts(View):
    """What one person wrote."""

    @call("listPostsOfUser", list[schemas.Post], paged=True, raises=(NotFound,))
    async def get(self, request: Request, user: str) -> Response:
        """Return a page of posts, newest first."""
        paging = Paging.of(request, user_id(user))
        _, before = paging.at_post(Kind.POSTS)
        page = await self.operations.posts.by_author(paging.owner, before, paging.limit)
        return paging.posts(page, paging.links(page, Kind.POSTS))


class PostsOrPost(AuthorPosts):
    """``/posts/{number}`` is what a user wrote, ``/posts/{UUID}`` one post: existing clients speak both."""

    @call("getPostOrPosts", schemas.Post | list[schemas.Post], paged=True, raises=(NotFound,))
    async def get(self, request: Request, ident: str) -> Response:
        """Return one post for a UUID, a page of an author's posts for a number."""
        if looks_like_post_id(ident):
            return responses.one(schemas.Post.of(await self.operations.posts.get(post_id(ident))))
        return await super().get(request, ident)

    @call("deletePost", None, status=204, by=Who.OWNER, raises=_SENDING, path={"ident": "post"})
    async def delete(self, request: Request, ident: str) -> Response:
        """Delete a post: one's own."""
        await self.operations.posts.delete(post_id(ident), by=actor(request))
        return responses.nothing()
