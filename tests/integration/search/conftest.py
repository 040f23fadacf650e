"""One engine of each kind for the session, and an index of its own for each test."""

import os
from secrets import token_hex

import pytest
from pydantic import SecretStr

from microblog_streams.config.settings import Settings
from microblog_streams.search import engine_requests
from microblog_streams.search.engine import Engine
from microblog_streams.search.engine_index import EngineIndex
from tests.support.waiting import PATIENT_SECONDS

#: Where an Elasticsearch listens on which the tests run as well; without it they are skipped there.
ELASTICSEARCH = "TEST_ELASTICSEARCH_URL"


@pytest.fixture(params=["opensearch", "elasticsearch"])
def engine_url(request) -> SecretStr:
    if request.param == "opensearch":
        return request.getfixturevalue("engine_stack").settings.search_url
    if not (url := os.environ.get(ELASTICSEARCH)):
        pytest.skip(f"no Elasticsearch: set {ELASTICSEARCH} to the URL of one")
    return SecretStr(url)


@pytest.fixture
def settings(engine_url) -> Settings:
    return Settings(search_url=engine_url, search_prefix=f"t{token_hex(6)}", store_timeout=PATIENT_SECONDS)


@pytest.fixture(autouse=True)
def patient_searches(monkeypatch):
    """An engine that has just started on a busy machine takes longer for a search than as delivered."""
    monkeypatch.setattr(engine_requests, "_SEARCH_SECONDS", f"{PATIENT_SECONDS:g}s")


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
