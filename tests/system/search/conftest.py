"""A worker and an indexer on the session's stack, and the session's search engine."""

import pytest

from microblog_streams.config.settings import PREFIX
from tests.support.live.processes import make_workers


@pytest.fixture(scope="session")
def engine(engine_stack):
    return engine_stack.stack


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
