"""One engine for the session, and an index of its own for each test."""

from secrets import token_hex

import pytest

from microblog_streams.config.settings import Settings
from microblog_streams.local.opensearch import OpenSearch
from microblog_streams.search.engine import Engine
from microblog_streams.search.engine_index import EngineIndex
from tests.support.live.stack import running_stack


@pytest.fixture(scope="session")
def engine_stack():
    with running_stack([OpenSearch]) as running:
        yield running


@pytest.fixture
def settings(engine_stack) -> Settings:
    return engine_stack.settings.model_copy(update={"search_prefix": f"t{token_hex(6)}"})


@pytest.fixture
async def engine(settings):
    engine = Engine(settings)
    await engine.connect()
    yield engine
    await engine.call(lambda client: client.indices.delete(index=f"{settings.search_prefix}-*"), 30.0)
    await engine.close()


@pytest.fixture
async def index(engine, settings):
    index = EngineIndex(engine, settings.search_prefix)
    await index.prepare()
    return index
