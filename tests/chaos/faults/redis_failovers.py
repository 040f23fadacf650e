"""Redis with a replica: another server becomes the primary, and the old one is dead, demoted, frozen, or only cut off.

The workers are moved to two servers of the fault's own, and back in the end. Nothing is lost, though a replica lacks
its primary's last writes, and a primary that is cut off takes writes that no other server will ever have.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from redis import Redis

from tests.chaos import fleet
from tests.chaos.fault import Fault
from tests.chaos.onlooker import Onlooker
from tests.chaos.proxy import Proxy, proxy
from tests.chaos.scene import Scene
from tests.support.servers.redis_pair import SENTINEL_PASSWORD, One, Pair, Watcher, address, running_pair

#: Seconds until workers have noticed that another server is the primary, on a busy machine too.
NOTICED = 20.0


def one_address(scene: Scene) -> None:
    """The servers share an address. It is switched over once as planned, and once because the primary stands still."""
    with running_pair() as pair, proxy(pair.one.port) as endpoint, _moved(scene, _by_address(endpoint)):
        onlooker = Onlooker(scene)
        _demoted_then_switched(scene, pair, endpoint)
        _back(onlooker)
        _frozen_and_switched(scene, pair, endpoint)
        _back(onlooker)


def sentinel_failover(scene: Scene) -> None:
    """The primary is killed, twice. Sentinel names the replica, and makes the old one a replica when it is back."""
    with running_pair(Watcher) as pair, _moved(scene, _by_sentinel(pair)):
        onlooker = Onlooker(scene)
        for _ in range(2):
            old = pair.primary
            pair.stack.kill(old.name)
            scene.eventually(pair.other(old).is_primary, *scene.workers, pair.stack.parts["sentinel"])
            scene.rest()
            pair.stack.restart(old.name)
            scene.eventually(pair.other(old).is_followed, *scene.workers)
            scene.rest()
        _back(onlooker)


def sentinel_cut_off(scene: Scene) -> None:
    """Neither Sentinel nor the replica reaches the primary any more; the workers do, and leave it for the new one."""
    with running_pair(Watcher) as pair, _moved(scene, _by_sentinel(pair)):
        onlooker, old = Onlooker(scene), pair.primary
        new = pair.other(old)
        with old.cut_off():
            scene.rest()
            scene.eventually(new.is_primary, *scene.workers, pair.stack.parts["sentinel"])
            assert old.is_primary()
            scene.eventually(lambda: _is_left(old), *scene.workers, seconds=NOTICED)
            scene.rest()
        scene.eventually(new.is_followed, *scene.workers)
        scene.rest()
        _back(onlooker)


def _demoted_then_switched(scene: Scene, pair: Pair, endpoint: Proxy) -> None:
    """Between the two the address leads to a replica, and no worker reports Redis as healthy."""
    pair.two.lead()
    scene.rest()
    pair.one.follow(pair.two)
    scene.eventually(lambda: not any(_redis_is_ok(scene)), *scene.workers, seconds=NOTICED)
    endpoint.target = pair.two.port
    scene.eventually(lambda: all(_redis_is_ok(scene)), *scene.workers, seconds=NOTICED)
    scene.eventually(pair.two.is_followed, *scene.workers)
    scene.rest()


def _frozen_and_switched(scene: Scene, pair: Pair, endpoint: Proxy) -> None:
    """The primary stands still, is replaced, and goes on as a primary for a while, with the workers' connections."""
    pair.stack.pause(pair.two.name)
    pair.one.lead()
    endpoint.target = pair.one.port
    scene.rest()
    pair.stack.resume(pair.two.name)
    assert pair.two.is_primary()
    scene.eventually(lambda: _is_left(pair.two), *scene.workers, seconds=NOTICED)
    scene.rest()
    pair.two.follow(pair.one)
    scene.eventually(pair.one.is_followed, *scene.workers)
    scene.eventually(lambda: all(_redis_is_ok(scene)), *scene.workers, seconds=NOTICED)
    scene.rest()


def _back(onlooker: Onlooker) -> None:
    onlooker.posts_on()
    onlooker.sees_everything()


def _redis_is_ok(scene: Scene) -> list[bool]:
    """Return what each worker says of Redis."""
    return [fleet.health(worker).get("stores", {}).get("redis") == "ok" for worker in scene.workers]


def _is_left(server: One) -> bool:
    """Return whether a server has no clients but this one, its replicas and the Sentinel."""
    clients = server.tell("CLIENT LIST", "TYPE", "normal")
    return sum(client["user"] == "default" for client in clients) <= 1


def _by_address(endpoint: Proxy) -> Mapping[str, str]:
    return {"MICROBLOG_REDIS_URL": address(endpoint.port)}


def _by_sentinel(pair: Pair) -> Mapping[str, str]:
    return {"MICROBLOG_REDIS_URL": pair.sentinel, "MICROBLOG_REDIS_SENTINEL_PASSWORD": SENTINEL_PASSWORD}


@contextmanager
def _moved(scene: Scene, over: Mapping[str, str]) -> Iterator[None]:
    """Have all workers use another Redis within the block, where all timelines are cold, as they are here afterwards.

    All stop before one starts: a post that one of them pushed into the one Redis would be missing in the other.
    """
    scene.environment_over.update(over)
    try:
        scene.restart_together(scene.workers)
        yield
    finally:
        for variable in over:
            del scene.environment_over[variable]
        with Redis.from_url(scene.stack.settings.redis_url.get_secret_value()) as redis:
            redis.flushall()
        scene.restart_together(scene.workers)


FAULTS = [
    Fault("redis-failover-one-address", one_address),
    Fault("sentinel-failover", sentinel_failover),
    Fault("sentinel-cut-off", sentinel_cut_off),
]
