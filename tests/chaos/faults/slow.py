"""Parts that are slow instead of dead: every request, then every answer, is 2 s late, and everything is done twice.

That is the time-out of a store, so what is called does happen, while the caller has given it up: the hard case.
"""

from tests.chaos import fleet
from tests.chaos.detour import detour
from tests.chaos.fault import Fault
from tests.chaos.lasting import SLOW, during
from tests.chaos.onlooker import Onlooker
from tests.chaos.proxy import Proxy
from tests.chaos.scene import Scene

#: Seconds that a part is late.
LATE = 2.0


def postgres(scene: Scene) -> None:
    """PostgreSQL is late."""
    _is_slow(scene, "postgres")


def cassandra(scene: Scene) -> None:
    """Cassandra is late."""
    _is_slow(scene, "cassandra")


def redis(scene: Scene) -> None:
    """Redis is late."""
    _is_slow(scene, "valkey")


def kafka(scene: Scene) -> None:
    """Kafka is late."""
    _is_slow(scene, "kafka")
    scene.rest()


def _is_slow(scene: Scene, name: str) -> None:
    with detour(scene, name) as way, fleet.reconfigured(scene, way.environment):
        assert way.proxy.taken > 0, f"no worker reaches {name} through the proxy"
        _strike(scene, way.proxy)


def _strike(scene: Scene, slow: Proxy) -> None:
    """Late requests happen after they were given up; late answers are given up though they came to pass."""
    onlooker = Onlooker(scene)
    for way in ("there", "back"):
        setattr(slow, way, LATE)
        during(SLOW, onlooker.is_always_answered)
        setattr(slow, way, 0.0)
        scene.rest()
    onlooker.posts_on()
    onlooker.sees_everything()


FAULTS = [
    Fault("postgres-slow", postgres),
    Fault("cassandra-slow", cassandra),
    Fault("redis-slow", redis),
    Fault("kafka-slow", kafka),
]
