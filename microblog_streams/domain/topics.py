"""The topics, by their logical names, and how a deployment's generation changes what they are called in Kafka.

All have the same partition count and the same key encoding (a user id, 8 bytes big-endian), so that an author's
posts and the edges that point at that author meet in one partition, in one worker. They are created by commands,
never by the broker. Growing partitions means moving to the next generation's topics; dead letters stay where they are.
"""

from typing import Final

POST_CREATED: Final = "post.created"
POST_DELETED: Final = "post.deleted"
USER_FOLLOW: Final = "user.follow"
USER_UNFOLLOW: Final = "user.unfollow"
USER_DELETED: Final = "user.deleted"
DEAD_LETTERS: Final = "dead.letters"

#: The followers table, of which Kafka has the changelog.
FOLLOWERS_TABLE: Final = "followers"

#: Bytes of the largest event that a topic takes, and of the largest record: such an event as a dead letter.
MAX_EVENT_BYTES: Final = 1024**2
MAX_RECORD_BYTES: Final = 2 * MAX_EVENT_BYTES

#: What people write: published by whoever takes the request.
POSTS: Final = (POST_CREATED, POST_DELETED)
#: What is committed in PostgreSQL first: published by the outbox's relay.
EDGES: Final = (USER_FOLLOW, USER_UNFOLLOW, USER_DELETED)
#: What agents consume.
SOURCES: Final = POSTS + EDGES
#: Every topic that exists, in the order in which they are made.
ALL: Final = (*SOURCES, DEAD_LETTERS)


def topic_name(logical: str, generation: int) -> str:
    """Return a topic's name in Kafka: the logical name itself in generation 1, ``name.gN`` after that.

    Nothing is ordered among dead letters, so they need no other partitions: their topic is the same in all generations.
    """
    return logical if generation == 1 or logical == DEAD_LETTERS else f"{logical}.g{generation}"


def logical_name(name: str) -> str | None:
    """Return which of the sources a topic in Kafka is, whatever its generation; None where it is none of them."""
    stem, dot, number = name.rpartition(".g")
    logical = stem if dot and number.isdecimal() else name
    return logical if logical in SOURCES else None


def app_id(generation: int) -> str:
    """Return Faust's app id: the consumer group, and the prefix of the changelog topics."""
    return "microblog" if generation == 1 else f"microblog.g{generation}"


def changelog_name(generation: int) -> str:
    """Return the name of the followers table's changelog topic in Kafka."""
    return f"{app_id(generation)}-{FOLLOWERS_TABLE}-changelog"


def topic_partitions(generation: int, partitions: int) -> dict[str, int | None]:
    """Return the topics that Kafka must have, by name, with the number of their partitions; None is any number."""
    sources = {topic_name(logical, generation): partitions for logical in SOURCES}
    return {**sources, changelog_name(generation): partitions, DEAD_LETTERS: None}
