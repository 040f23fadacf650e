"""The fake of the search index keeps the contract of the real one."""

import pytest

from tests.support.contracts.search import SearchContract
from tests.support.fakes.search import FakeSearchIndex


class TestFakeSearchIndex(SearchContract):
    @pytest.fixture
    def index(self):
        return FakeSearchIndex()
