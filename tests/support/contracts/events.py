"""Reading an outbox in tests, and making people to write about."""

import uuid
from dataclasses import dataclass

from microblog_streams.domain.events import EdgeChanged, UserDeleted
from microblog_streams.domain.models import OutboxRecord
from microblog_streams.domain.topics import USER_DELETED

ALL = 100_000


@dataclass(frozen=True, slots=True)
class EdgeEvent:
    """An edge's event, in short."""

    topic: str
    follower: int
    followee: int
    version: int


async def register(users, count):
    """Return the ids of new users, in ascending order."""
    names = [uuid.uuid4().hex for _ in range(count)]
    return [(await users.create(name, name)).id for name in names]


async def waiting(outbox):
    """Return all records that wait, in order."""
    return list(await outbox.head(ALL))


async def edge_events(outbox, *people):
    """Return the events of the edges among the people, in order."""
    told = [edge_event(record) for record in await waiting(outbox) if record.topic != USER_DELETED]
    return [event for event in told if event.follower in people and event.followee in people]


def edge_event(record: OutboxRecord) -> EdgeEvent:
    event = EdgeChanged.model_validate_json(record.value)
    assert record.key == event.key
    return EdgeEvent(record.topic, event.follower_id, event.followee_id, event.version)


def deletion(record: OutboxRecord) -> UserDeleted:
    event = UserDeleted.model_validate_json(record.value)
    assert record.key == event.key
    return event
