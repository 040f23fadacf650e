"""The topics, by their logical names, and how a deployment's generation changes what they are called in Kafka.

All have the same partition count and the same key encoding (a user id, 8 bytes big-endian), so that an author's
posts and the edges that point at that author meet in one partition, in one worker. They are created by the
command ``migrate``, never by the broker. Growing partitions means moving to the next generation's topics.
"""

from typing import Final

POST_CREATED: Final = "post.created"
POST_DELETED: Final = "post.deleted"
USER_FOLLOW: Final = "user.follow"
USER_UNFOLLOW: Final = "user.unfollow"
USER_DELETED: Final = "user.deleted"
DEAD_LETTERS: Final = "dead.letters"

#: Every topic that exists, in the order in which ``migrate`` makes them.
ALL: Final = (POST_CREATED, POST_DELETED, USER_FOLLOW, USER_UNFOLLOW, USER_DELETED, DEAD_LETTERS)


def topic_name(logical: str, generation: int) -> str:
    """Return a topic's name in Kafka: the logical name itself in generation 1, ``name.gN`` after that."""
    return logical if generation == 1 else f"{logical}.g{generation}"
