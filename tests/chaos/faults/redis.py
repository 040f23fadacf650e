"""Redis away, emptied, short of memory, and with its last moments lost: timelines are a copy, and come back whole."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

from tests.chaos.absence import away, dead, frozen
from tests.chaos.aof import Aof
from tests.chaos.fault import Fault
from tests.chaos.lasting import REDIS_AWAY, SHORT_OF_MEMORY, during
from tests.chaos.onlooker import Onlooker
from tests.chaos.scene import Scene

#: Seconds of writes that a power failure may cost under ``appendfsync everysec``.
LOST = 2.0


def killed_and_cut(scene: Scene) -> None:
    """It dies in a power failure, which costs it the last two seconds of what it had written."""
    stack = scene.stack.stack
    for _ in range(2):
        aof = Aof(stack.parts["valkey"].home)
        with aof.watched():
            scene.rest()
            moment = time.monotonic()
            stack.kill("valkey")
        assert aof.cut(moment - LOST) > 0, "nothing was written in the last two seconds"
        stack.restart("valkey")
        scene.rest()


def is_away(scene: Scene) -> None:
    """It is killed and stays away. People post, follow and read: timelines come from the posts."""
    _back(away(scene, "valkey", dead, REDIS_AWAY, _goes_on))


def is_frozen(scene: Scene) -> None:
    """It stands still, with all its connections."""
    _back(away(scene, "valkey", frozen, REDIS_AWAY, _goes_on))


def emptied(scene: Scene) -> None:
    """FLUSHALL, three times."""
    onlooker = Onlooker(scene)
    with _client(scene) as redis:
        for _ in range(3):
            redis.flushall()
            onlooker.posts_on()
            onlooker.sees_everything()
            scene.rest()


def evicting(scene: Scene) -> None:
    """It has half the memory that it needs for a while; then next to none, and refuses to write; then enough."""
    onlooker = Onlooker(scene)
    with _client(scene) as redis:
        needed = redis.info("memory")["used_memory"]
        limit = str(redis.config_get("maxmemory")["maxmemory"])
        keys = redis.dbsize()
        try:
            redis.config_set("maxmemory", needed // 2 + redis.info("memory")["used_memory_startup"] // 2)
            during(SHORT_OF_MEMORY, lambda: _goes_on(onlooker))
            redis.config_set("maxmemory", 1)
            during(SHORT_OF_MEMORY, lambda: _goes_on(onlooker))
            assert redis.info("stats")["evicted_keys"] > 0, f"nothing of {keys} keys was evicted"
        finally:
            redis.config_set("maxmemory", limit)
    scene.rest()
    _back(onlooker)


def without_data(scene: Scene) -> None:
    """It comes back as on the first day: without keys and without our functions."""
    onlooker = Onlooker(scene)
    with dead(scene, "valkey"):
        shutil.rmtree(scene.stack.stack.parts["valkey"].home / "appendonlydir")
    scene.rest()
    _back(onlooker)


def _goes_on(onlooker: Onlooker) -> None:
    onlooker.posts_on()
    onlooker.registers_and_follows()
    onlooker.reads_everything()


def _back(onlooker: Onlooker) -> None:
    onlooker.posts_on()
    onlooker.sees_everything()


@contextmanager
def _client(scene: Scene) -> Iterator[Redis]:
    url = scene.stack.settings.redis_url.get_secret_value()
    with Redis.from_url(url, decode_responses=True) as redis:
        yield redis


FAULTS = [
    Fault("redis-killed-and-cut", killed_and_cut),
    Fault("redis-away", is_away),
    Fault("redis-frozen", is_frozen),
    Fault("redis-emptied", emptied),
    Fault("redis-evicting", evicting),
    Fault("redis-without-data", without_data),
]
