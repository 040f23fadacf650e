"""What the engine's refusals are to those who call it, and how large the requests are that it gets."""

import json
from dataclasses import replace

import opensearchpy
import pytest

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import Post
from microblog_streams.search.documents import Kind, deleted_post, post_write
from microblog_streams.search.engine import Engine
from microblog_streams.search.engine_admin import IndexAdmin
from microblog_streams.search.engine_index import EngineIndex, send


class Client:
    """opensearch-py's client at an engine that knows the login, until it does not.

    It cannot read documents, and has no index; ``creating`` is its answer to a request for one.
    """

    def __init__(self):
        self.knows_login = True
        self.creating = {"acknowledged": True}
        self.indices = self

    async def mget(self, index, body):
        error = {"type": "illegal_state_exception", "reason": "the shard is not there"}
        return {"docs": [{"_index": index, "_id": ident, "error": error} for ident in body["ids"]]}

    async def exists(self, index):
        return False

    async def create(self, index, body, ignore):
        return self.creating

    async def info(self):
        self._check()
        return {}

    async def bulk(self, body, filter_path):
        self._check()
        return {"items": [{"index": {"status": 201}}]}

    def _check(self):
        if not self.knows_login:
            raise opensearchpy.AuthenticationException(401, "security_exception", {})


@pytest.fixture
def client():
    return Client()


@pytest.fixture(params=[True, False], ids=["required", "optional"])
def engine(client, request):
    engine = Engine(Settings(search_url="http://127.0.0.1:9200"), required=request.param)
    engine._client = client
    return engine


async def write(engine):
    return await send(engine, [deleted_post(new_post_id())], {Kind.POSTS: ["posts-1"]})


async def test_a_login_that_is_refused_later_is_waited_for(engine, client):
    """An indexer makes dead letters of what fails otherwise: all events from a changed password on."""
    await engine.connect()
    client.knows_login = False
    for attempt in (lambda: write(engine), engine.ping):
        with pytest.raises(StoreUnavailable, match="refuses this login"):
            await attempt()

    client.knows_login = True
    assert await write(engine) == [None]


async def test_a_login_that_is_refused_at_the_start_ends_those_that_need_the_engine(client):
    client.knows_login = False
    for required, error in ((True, SetupError), (False, StoreUnavailable)):
        engine = Engine(Settings(search_url="http://127.0.0.1:9200"), required=required)
        engine._client = client
        with pytest.raises(error, match="refuses this login"):
            await engine.connect()


async def test_a_document_that_cannot_be_read_is_not_taken_for_missing(engine):
    """``verify`` would write again what is there, with an older version."""
    with pytest.raises(StoreUnavailable, match="the shard is not there"):
        await IndexAdmin(EngineIndex(engine, "m")).documents(Kind.USERS, ["1"])


async def test_an_index_that_the_engine_does_not_create_is_an_error_unless_another_process_made_it(engine, client):
    index = EngineIndex(engine, "m")
    client.creating = {"error": {"type": "resource_already_exists_exception", "reason": "it is there"}, "status": 400}
    await index.prepare()

    client.creating = {"error": {"type": "validation_exception", "reason": "too many shards"}, "status": 400}
    with pytest.raises(StoreUnavailable, match="too many shards"):
        await index.prepare()


class BoundedClient(Client):
    """An engine that takes requests up to a size; ``taken`` are the ids that it was given behind each alias."""

    def __init__(self, max_bytes):
        super().__init__()
        self.max_bytes = max_bytes
        self.taken = []
        self.requests_left = 1_000

    async def bulk(self, body, filter_path):
        if len(body) > self.max_bytes:
            raise opensearchpy.TransportError(413, "content_too_large", {})
        if not self.requests_left:
            raise opensearchpy.TransportError(429, "circuit_breaking_exception", {})
        self.requests_left -= 1
        actions = [json.loads(line)["index"] for line in body.splitlines()[::2]]
        self.taken += [(action["_index"], action["_id"]) for action in actions]
        return {"items": [{"index": {"status": 201}} for _ in actions]}


#: What hosted engines take at the least.
HOSTED_BYTES = 10 * 1024**2
#: The window of eight partitions, while a reindex fills another index.
TARGETS = {Kind.POSTS: ["m-posts", "m-posts-next"]}


def long_posts():
    post = post_write(Post(new_post_id(), 1, "漢" * 500))
    return [replace(post, ident=str(new_post_id())) for _ in range(8 * 512)]


async def test_many_long_posts_are_several_requests_that_the_engine_takes(engine):
    """An indexer makes dead letters of what fails otherwise: of all posts of a request that is too large."""
    engine._client = client = BoundedClient(HOSTED_BYTES)
    posts = long_posts()

    assert await send(engine, posts, TARGETS) == [None] * len(posts)
    assert client.taken == [(alias, post.ident) for post in posts for alias in TARGETS[Kind.POSTS]]


async def test_what_an_engine_took_before_it_refused_a_request_need_not_be_sent_again(engine):
    engine._client = client = BoundedClient(HOSTED_BYTES)
    client.requests_left = 1
    posts = long_posts()

    outcomes = await send(engine, posts, TARGETS)
    written = len(client.taken) // 2
    assert 0 < written < len(posts)
    assert outcomes[:written] == [None] * written
    assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes[written:])


async def test_a_request_that_is_too_large_all_the_same_is_waited_with(engine):
    """Something between has a lower limit, which an operator raises: no document is at fault."""
    engine._client = BoundedClient(max_bytes=100)
    with pytest.raises(StoreUnavailable, match="413"):
        await write(engine)


@pytest.mark.parametrize(
    "answer",
    [
        opensearchpy.RequestError(400, "The plain HTTP request was sent to HTTPS port", {}),
        opensearchpy.TransportError(405, "Method Not Allowed", {}),
        opensearchpy.SerializationError("<html>", ValueError()),
    ],
    ids=["400", "405", "no JSON"],
)
async def test_an_address_that_answers_and_is_no_engine_is_waited_for(client, answer):
    """A worker goes on without its search; any other error would end it."""

    async def info():
        raise answer

    client.info = info
    engine = Engine(Settings(search_url="http://127.0.0.1:9200"))
    engine._client = client
    for attempt in (engine.connect, engine.ping):
        with pytest.raises(StoreUnavailable):
            await attempt()
