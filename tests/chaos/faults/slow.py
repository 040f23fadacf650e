"""Parts that are slow instead of dead: every request, then every answer, is 2 s late, and everything is done twice.

That is the time-out of a store, so what is called does happen, while whoever called has given it up: the hard case.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from microblog_streams.local.kafka import Kafka
from microblog_streams.local.part import Place
from microblog_streams.local.process import Children
from tests.chaos import fleet
from tests.chaos.fault import Fault
from tests.chaos.lasting import SLOW, during
from tests.chaos.onlooker import Onlooker
from tests.chaos.proxy import HOST, Proxy, proxy
from tests.chaos.scene import Scene
from tests.live.fixtures import free_port

#: Seconds that a part is late.
LATE = 2.0


def postgres(scene: Scene) -> None:
    """PostgreSQL is late."""
    with _detour(scene, "postgres") as slow:
        _strike(scene, slow)


def cassandra(scene: Scene) -> None:
    """Cassandra is late."""
    with _detour(scene, "cassandra") as slow:
        _strike(scene, slow)


def redis(scene: Scene) -> None:
    """Redis is late."""
    with _detour(scene, "valkey") as slow:
        _strike(scene, slow)


def kafka(scene: Scene) -> None:
    """Kafka is late. It names its own address to its clients, so it gets a second one, and starts with that."""
    parts = scene.stack.stack.parts
    straight = parts["kafka"]
    inside = free_port()
    with proxy(inside) as slow:
        straight.stop()
        parts["kafka"] = TwoDoors(straight.place, inside, slow.port)
        scene.stack.stack.restart("kafka")
        try:
            with _led_astray(scene, {"MICROBLOG_KAFKA_URL": f"kafka://{HOST}:{slow.port}"}):
                _strike(scene, slow)
        finally:
            parts["kafka"].stop()
            parts["kafka"] = straight
            scene.stack.stack.restart("kafka")
    scene.rest()


class TwoDoors(Kafka):
    """A broker with a second listener, whose clients are told another port for it."""

    def __init__(self, place: Place, inside: int, outside: int) -> None:
        super().__init__(place)
        self._inside, self._outside = inside, outside

    def prepare(self, children: Children) -> None:
        """Write the configuration; what comes last in it counts."""
        super().prepare(children)
        doors = {
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{self.place.ports['kafka-controller']}"
            f",SLOW://{HOST}:{self._inside}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self.port},SLOW://{HOST}:{self._outside}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SLOW:PLAINTEXT",
        }
        with (self.home / "server.properties").open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in doors.items())


@contextmanager
def _detour(scene: Scene, name: str) -> Iterator[Proxy]:
    """Have the workers reach a part through a proxy within the block."""
    part = scene.stack.stack.parts[name]
    with proxy(part.port) as slow:
        over = {variable: url.replace(f":{part.port}", f":{slow.port}") for variable, url in part.urls().items()}
        with _led_astray(scene, over):
            assert slow.taken > 0, f"no worker reaches {name} through the proxy"
            yield slow


@contextmanager
def _led_astray(scene: Scene, over: Mapping[str, str]) -> Iterator[None]:
    """Start the workers again with other addresses, and with those of the stack after the block."""
    scene.environment_over.update(over)
    try:
        fleet.restart_all(scene)
        yield
    finally:
        for variable in over:
            del scene.environment_over[variable]
        fleet.restart_all(scene)


def _strike(scene: Scene, slow: Proxy) -> None:
    """Late requests happen after they were given up; late answers are given up though they came to pass."""
    onlooker = Onlooker(scene)
    for way in ("there", "back"):
        setattr(slow, way, LATE)
        during(SLOW, lambda: _is_told(onlooker))
        setattr(slow, way, 0.0)
        scene.rest()
    onlooker.posts_on()
    onlooker.sees_everything()


def _is_told(onlooker: Onlooker) -> None:
    """Whatever is called is answered: done, or not now."""
    onlooker.is_told_something("GET", f"/timelines/{onlooker.bob}")
    onlooker.is_told_something("POST", "/posts/", {"userId": onlooker.ann, "content": "slow"})
    onlooker.is_told_something("POST", f"/users/{onlooker.ann}/follow/{onlooker.bob}")


FAULTS = [
    Fault("postgres-slow", postgres),
    Fault("cassandra-slow", cassandra),
    Fault("redis-slow", redis),
    Fault("kafka-slow", kafka),
]
