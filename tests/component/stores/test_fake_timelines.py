"""The timelines in memory keep the contract, so that what is tested on them holds on the real ones."""

import pytest

from tests.support.contracts.timeline_entries import KEPT
from tests.support.contracts.timelines import TimelineContract
from tests.support.fakes.timelines import FakeTimelines


class TestFakeTimelines(TimelineContract):
    @pytest.fixture
    def timelines(self):
        return FakeTimelines(KEPT)
