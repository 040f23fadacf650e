"""Posts: writing, reading, deleting, and a person's own."""

from aiohttp.web import Request, Response

from web import answers, schemas
from web.bodies import read
from web.callers import actor, allow
from web.cursors import Kind
from web.once import once
from web.paging import Paging
from web.params import looks_like_post_id, post_id, user_id
from web.views import View


class Posts(View):
    """All posts: a place to write to."""

    async def post(self, request: Request) -> Response:
        """Write a post."""
        actor(request)
        body = await read(request, schemas.NewPost)
        allow(request, body.user_id)
        post = await self.operations.posts.create(body.user_id, body.content, once(request, body))
        return answers.one(schemas.Post.of(post), 201, f"/posts/{post.id}")


class AuthorPosts(View):
    """What one person wrote."""

    async def get(self, request: Request, user: str) -> Response:
        """Return a page of posts, newest first."""
        paging = Paging.of(request, user_id(user))
        _, before = paging.at_post(Kind.POSTS)
        return paging.posts(await self.operations.posts.by_author(paging.owner, before, paging.limit), Kind.POSTS)


class PostsOrPost(AuthorPosts):
    """``/posts/{number}`` is what a user wrote, ``/posts/{UUID}`` one post: existing clients speak both."""

    async def get(self, request: Request, ident: str) -> Response:
        """Return one post for a UUID, a page of an author's posts for a number."""
        if looks_like_post_id(ident):
            return answers.one(schemas.Post.of(await self.operations.posts.get(post_id(ident))))
        return await super().get(request, ident)

    async def delete(self, request: Request, ident: str) -> Response:
        """Delete a post: one's own."""
        await self.operations.posts.delete(post_id(ident), by=actor(request))
        return answers.nothing()
