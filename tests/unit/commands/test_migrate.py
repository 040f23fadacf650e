"""Topics that `migrate` creates, beside a PostgreSQL that knew others of their names."""

import pytest

from microblog_streams.commands import migrate
from microblog_streams.config.settings import Settings
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.topics import DEAD_LETTERS, POST_CREATED
from tests.support.fakes.database import FakeDatabase
from tests.support.fakes.dead_letters import FakeResolvedLetters


@pytest.mark.parametrize(("created", "left"), [([DEAD_LETTERS, POST_CREATED], 0), ([POST_CREATED], 1), ([], 1)])
async def test_no_letter_of_a_new_topic_is_resolved(monkeypatch, created, left):
    async def create_topics(settings, topic_set, partitions):
        return created

    monkeypatch.setattr(migrate, "create_topics", create_topics)
    resolved = FakeResolvedLetters(FakeDatabase())
    await resolved.resolve(0, 7, "discarded")

    assert await migrate._topics(Settings(), Deployment(1, 8), resolved) == created
    assert await resolved.count({0: (0, 10)}) == left
