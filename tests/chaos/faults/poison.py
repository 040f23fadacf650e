"""Undecodable events go to dead.letters and hold up nothing; events of a newer schema wait for the upgrade."""

import json
from datetime import UTC, datetime
from itertools import product
from typing import Any

from microblog_streams.domain import topics
from microblog_streams.domain.events import PostCreated
from microblog_streams.domain.ids import encode_user, new_post_id
from tests.chaos import fleet
from tests.chaos.fault import Fault
from tests.chaos.onlooker import Onlooker
from tests.chaos.scene import DEADLINE, Scene
from tests.support.live.command import Command, run_command

#: The largest value, about, that a broker takes as it is set up (1 MiB with the record's head and the batch's).
LARGE = 1024 * 1024 - 512
NO_HEADERS: list[tuple[str, bytes]] = []
#: What is wrong with the value or the headers.
UNDECODABLE = [
    (b"\x1b[31mnot json", NO_HEADERS),
    (b'{"userId": 1}', NO_HEADERS),
    (b"[" * 50_000, NO_HEADERS),
    (b"", NO_HEADERS),
    (None, NO_HEADERS),
    (b"{}", [("schema", b"one\xff")]),
    (b"x" * LARGE, NO_HEADERS),
    (json.dumps({"userId": 1, "content": "x" * (LARGE - 100)}).encode(), NO_HEADERS),
]


def undecodable(scene: Scene) -> None:
    """Every kind on every topic; each becomes a letter, and posts behind them arrive."""
    onlooker = Onlooker(scene)
    assert _open(scene) == []
    key = encode_user(onlooker.ann)
    places = {
        (topic, record.partition, record.offset)
        for topic, (value, headers) in product(topics.SOURCES, UNDECODABLE)
        for record in [scene.kafka.publish(topic, key, value, headers=headers)]
    }
    onlooker.posts_on()
    onlooker.sees_everything()
    scene.rest()
    # A letter that Kafka confirmed too late is written again.
    scene.eventually(lambda: _open_in_health(scene) >= len(places), *scene.workers, seconds=DEADLINE)
    scene.eventually(lambda: _open_places(scene) == places, *scene.workers, seconds=DEADLINE)
    assert Command(scene.stack, "dead-letters", "discard", "--all", "--yes").ended() == 0


def newer_schema(scene: Scene) -> None:
    """A post of the next major version halts its partition, and says so; the next version brings it about."""
    onlooker = Onlooker(scene)
    post = PostCreated(post_id=new_post_id(), user_id=onlooker.ann, content="new", created_at=datetime.now(UTC))
    scene.kafka.publish(topics.POST_CREATED, post.key, post.encode(), headers=[("schema", b"2")])
    scene.eventually(lambda: _halted(scene), *scene.workers)
    (partition,) = _halted(scene)
    assert partition.startswith(topics.POST_CREATED)
    onlooker.posts_on()
    scene.rest()
    assert _halted(scene) == {partition}
    fleet.restart_all(scene, "tests.chaos.upgraded")
    onlooker.posts.insert(-1, str(post.post_id))
    onlooker.sees_everything()
    assert _halted(scene) == set()
    fleet.restart_all(scene, "tests.support.live.probe")
    scene.rest()
    assert _halted(scene) == set()


def _halted(scene: Scene) -> set[str]:
    healths = [worker.call("GET", "/health").body for worker in scene.workers]
    return {partition for health in healths for partition in health["delivery"]["halted"]}


def _open_places(scene: Scene) -> set[tuple[str, int, int]]:
    return {(letter["topic"], letter["partition"], letter["offset"]) for letter in _open(scene)}


def _open_in_health(scene: Scene) -> int:
    return int(scene.workers[0].call("GET", "/health").body["deadLetters"]["open"] or 0)


def _open(scene: Scene) -> list[dict[str, Any]]:
    """Return the letters that are open, as the command lists them."""
    listing = ("dead-letters", "list", "--json", "--limit", "1000")
    status, said, errors = run_command(scene.stack.environment, *listing)
    assert status == 0, errors.decode(errors="replace")
    letters: list[dict[str, Any]] = json.loads(said)
    return letters


FAULTS = [
    Fault("poison", undecodable),
    Fault("newer-schema", newer_schema, tolerated=frozenset({"partition_halted"})),
]
