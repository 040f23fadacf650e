"""What the engine's refusals are to those who call it."""

import opensearchpy
import pytest

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.domain.ids import new_post_id
from microblog_streams.search.documents import Kind, deleted_post
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
