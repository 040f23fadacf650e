"""Redis away, emptied, short of memory, and with its last moments lost: timelines are a copy, and come back whole."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

from tests.chaos.aof import Aof
from tests.chaos.fault import Fault
from tests.chaos.lasting import REDIS_AWAY, SHORT_OF_MEMORY, during
from tests.chaos.onlooker import Onlooker
from tests.chaos.scene import Scene

SOME = 400
#: Seconds of writes that a power failure may cost under ``appendfsync everysec``.
LOST = 2.0


def killed_and_cut(scene: Scene) -> None:
    """It dies in a power failure, which costs it the last two seconds of what it had written."""
    stack = scene.stack.stack
    for _ in range(2):
        aof = Aof(stack.parts["valkey"].home)
        with aof.watched():
            scene.rest(SOME)
            moment = time.monotonic()
            stack.kill("valkey")
        assert aof.cut(moment - LOST) > 0, "nothing was written in the last two seconds"
        stack.restart("valkey")
        scene.rest(SOME)


def away(scene: Scene) -> None:
    """It is killed and stays away. People post, follow and read: timelines come from the posts."""
    onlooker = Onlooker(scene)
    scene.stack.stack.kill("valkey")
    try:
        during(REDIS_AWAY, lambda: _goes_on(onlooker))
    finally:
        scene.stack.stack.restart("valkey")
    _back(scene, onlooker)


def frozen(scene: Scene) -> None:
    """It stands still, with all its connections."""
    onlooker = Onlooker(scene)
    scene.stack.stack.pause("valkey")
    try:
        during(REDIS_AWAY, lambda: _goes_on(onlooker))
    finally:
        scene.stack.stack.resume("valkey")
    _back(scene, onlooker)


def emptied(scene: Scene) -> None:
    """Somebody deletes everything, three times."""
    onlooker = Onlooker(scene)
    with _client(scene) as redis:
        for _ in range(3):
            redis.flushall()
            onlooker.posts_on()
            onlooker.sees_everything()
            scene.rest(SOME)


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
    _back(scene, onlooker)


def without_data(scene: Scene) -> None:
    """It comes back as on the first day: without keys and without our functions."""
    onlooker = Onlooker(scene)
    stack = scene.stack.stack
    stack.kill("valkey")
    shutil.rmtree(stack.parts["valkey"].home / "appendonlydir")
    stack.restart("valkey")
    _back(scene, onlooker)


def _goes_on(onlooker: Onlooker) -> None:
    onlooker.posts_on()
    onlooker.registers_and_follows()
    onlooker.reads_everything()


def _back(scene: Scene, onlooker: Onlooker) -> None:
    scene.rest(SOME)
    onlooker.posts_on()
    onlooker.sees_everything()


@contextmanager
def _client(scene: Scene) -> Iterator[Redis]:
    url = scene.stack.settings.redis_url.get_secret_value()
    with Redis.from_url(url, decode_responses=True) as redis:
        yield redis


FAULTS = [
    Fault("redis-killed-and-cut", killed_and_cut),
    Fault("redis-away", away),
    Fault("redis-frozen", frozen),
    Fault("redis-emptied", emptied),
    Fault("redis-evicting", evicting),
    Fault("redis-without-data", without_data),
]
