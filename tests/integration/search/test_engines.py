"""OpenSearch and Elasticsearch keep the contract of the search index."""

import pytest

from tests.support.contracts.search import SearchContract

pytestmark = pytest.mark.integration


class TestEngines(SearchContract):
    """The index of the fixture ``index``."""
