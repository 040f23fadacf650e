"""Writing, reading and deleting posts."""

from aiohttp.web import Request, Response

from microblog_streams.domain.errors import BrokerUnavailable, NotFound, NotStoredYet, OutcomeUnknown
from web.api import schemas
from web.api.view import Access, View, endpoint
from web.http import responses
from web.http.authorization import acting_user, require_user
from web.http.idempotency import idempotency_key
from web.http.paging import CursorKind, Paging
from web.http.params import is_uuid, post_id, user_id

_PUBLISH_ERRORS = (NotFound, BrokerUnavailable, OutcomeUnknown)


class Posts(View):
    """The collection of all posts, which can only be written to."""

    @endpoint(
        "post",
        schemas.Post,
        status=201,
        body=schemas.NewPost,
        access=Access.OWNER,
        min_key_length=1,
        raises=_PUBLISH_ERRORS,
    )
    async def post(self, request: Request, body: schemas.NewPost) -> Response:
        """Write a post."""
        require_user(request, body.user_id)
        post = await self.operations.posts.create(body.user_id, body.content, idempotency_key(request, body))
        return responses.json(schemas.post_json(post), 201, {"Location": f"/posts/{post.id}"})


class AuthorPosts(View):
    """The posts of one user."""

    @endpoint("listPostsOfUser", list[schemas.Post], paged=True, raises=(NotFound,))
    async def get(self, request: Request, user: str) -> Response:
        """List a user's posts, newest first."""
        paging = Paging.of(request, user_id(user))
        _, before = paging.post_position(CursorKind.POSTS)
        page = await self.operations.posts.by_author(paging.owner, before, paging.limit)
        return responses.json(schemas.posts_json(page.items), headers=paging.links(page, CursorKind.POSTS))


class PostsOrPost(AuthorPosts):
    """``/posts/{number}`` is a user's posts, ``/posts/{UUID}`` is one post: existing clients use both."""

    @endpoint("getPostOrPosts", schemas.Post | list[schemas.Post], paged=True, raises=(NotFound, NotStoredYet))
    async def get(self, request: Request, ident: str) -> Response:
        """Return a post by its id (a UUID), or list a user's posts by the user's id (a number)."""
        if is_uuid(ident):
            return responses.json(schemas.post_json(await self.operations.posts.get(post_id(ident))))
        return await super().get(request, ident)

    @endpoint(
        "deletePost",
        None,
        status=204,
        access=Access.OWNER,
        raises=(*_PUBLISH_ERRORS, NotStoredYet),
        path_parameters={"ident": "post"},
    )
    async def delete(self, request: Request, ident: str) -> Response:
        """Delete one of the caller's posts."""
        await self.operations.posts.delete(post_id(ident), by=acting_user(request))
        return responses.no_content()
