"""The timelines in memory keep the contract, so that what is tested on them holds on the real ones."""

import pytest

from tests.contracts.timelines import KEPT, TimelineContract
from tests.fakes.timelines import FakeTimelines


class TestFakeTimelines(TimelineContract):
    @pytest.fixture
    def timelines(self):
        return FakeTimelines(KEPT)
