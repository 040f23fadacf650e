"""The topics: their logical names, and their names in Kafka, which depend on the topic set ("generation").

All topics of a set have the same number of partitions and the same keys (a user id, 8 bytes big-endian), so that an
author's posts and the edges to that author meet in one partition, in one worker. Commands create the topics, never the
broker. A repartition moves to the topics of the next set; dead letters stay in their topic.
"""

from typing import Final

POST_CREATED: Final = "post.created"
POST_DELETED: Final = "post.deleted"
USER_FOLLOW: Final = "user.follow"
USER_UNFOLLOW: Final = "user.unfollow"
USER_DELETED: Final = "user.deleted"
USER_CHANGED: Final = "user.changed"
USER_CREATED: Final = "user.created"
DEAD_LETTERS: Final = "dead.letters"

#: The followers table, of which Kafka has the changelog.
FOLLOWERS_TABLE: Final = "followers"

#: Bytes of the largest event that a topic takes, and of the largest record: such an event as a dead letter.
MAX_EVENT_BYTES: Final = 1024**2
MAX_RECORD_BYTES: Final = 2 * MAX_EVENT_BYTES

#: Published directly by the worker that serves the request.
POSTS: Final = (POST_CREATED, POST_DELETED)
#: Committed in PostgreSQL first, then published by the relay of the outbox.
EDGES: Final = (USER_FOLLOW, USER_UNFOLLOW, USER_DELETED, USER_CHANGED)
#: Consumed by the agents of the workers.
SOURCES: Final = POSTS + EDGES
#: They come through the outbox as well, where there is a search; no agent of the workers consumes them.
REGISTRATIONS: Final = (USER_CREATED,)
#: Consumed by the agents of the search indexer, a consumer group of its own.
SEARCHED: Final = (*POSTS, *REGISTRATIONS, USER_CHANGED, USER_DELETED)
#: All topics, in the order of their creation.
ALL: Final = (*SOURCES, *REGISTRATIONS, DEAD_LETTERS)


def topic_name(logical: str, generation: int) -> str:
    """Return a topic's name in Kafka: the logical name itself in topic set 1, ``name.gN`` in later ones.

    Dead letters have no order to keep, so their topic is the same for all topic sets.
    """
    return logical if generation == 1 or logical == DEAD_LETTERS else f"{logical}.g{generation}"


def logical_name(name: str) -> str | None:
    """Return the logical name of a source topic in Kafka, of any topic set; None for other topics."""
    stem, dot, number = name.rpartition(".g")
    logical = stem if dot and number.isdecimal() else name
    return logical if logical in SOURCES + REGISTRATIONS else None


def app_id(generation: int) -> str:
    """Return Faust's app id: the consumer group, and the prefix of the changelog topics."""
    return "microblog" if generation == 1 else f"microblog.g{generation}"


def search_id(generation: int) -> str:
    """Return the Faust app id, hence the consumer group, of the search indexer."""
    return f"{app_id(1)}-search" if generation == 1 else f"{app_id(1)}-search.g{generation}"


def changelog_name(generation: int) -> str:
    """Return the name of the followers table's changelog topic in Kafka."""
    return f"{app_id(generation)}-{FOLLOWERS_TABLE}-changelog"


def topic_partitions(generation: int, partitions: int) -> dict[str, int | None]:
    """Return the topics that Kafka must have, by name, with the number of their partitions; None is any number."""
    sources = {topic_name(logical, generation): partitions for logical in SOURCES + REGISTRATIONS}
    return {**sources, changelog_name(generation): partitions, DEAD_LETTERS: None}
