"""A worker and an indexer on the session's stack, and a search engine of their own."""

import pytest

from microblog_streams.config.settings import PREFIX
from microblog_streams.local.opensearch import OpenSearch
from tests.support.live.processes import make_workers
from tests.support.live.stack import running_stack


@pytest.fixture(scope="module")
def engine():
    with running_stack([OpenSearch]) as running:
        yield running.stack


@pytest.fixture(scope="module")
def search_environment(migrated, engine):
    """The variables of a process that has a search."""
    return {**migrated.environment, f"{PREFIX}SEARCH_URL": engine.environment[f"{PREFIX}SEARCH_URL"]}


@pytest.fixture(scope="module")
def searching(migrated, search_environment):
    """A worker, and an indexer beside it."""
    for make in make_workers(migrated):
        worker, indexer = make("searching"), make("indexing", app="microblog_streams.search")
        for each in (worker, indexer):
            each.environment.update(search_environment)
            each.start()
        yield worker, indexer
