"""A way to a part that leads through a proxy, for some workers; the others, and the tests, reach it as before.

PostgreSQL, Cassandra and Redis are reached where their URLs say. Kafka tells its clients the addresses at which they
shall reach its brokers, so it is started again with a second listener, for which it names the proxy's port.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil

from microblog_streams.local.kafka import Kafka
from microblog_streams.local.process import Children
from microblog_streams.local.server import ServerPaths
from tests.chaos import fleet
from tests.chaos.proxy import HOST, Proxy, proxy
from tests.chaos.scene import Scene
from tests.support.live.ports import free_port
from tests.support.live.worker import Worker


@dataclass(frozen=True)
class Detour:
    """The proxy in front of a part, and the variables that lead a worker through it."""

    proxy: Proxy
    environment: Mapping[str, str]


@contextmanager
def detour(scene: Scene, name: str) -> Iterator[Detour]:
    """Serve a proxy in front of a part within the block."""
    part = scene.stack.stack.parts[name]
    if isinstance(part, Kafka):
        with _second_listener(scene, part) as way:
            yield way
        return
    with proxy(part.port) as way_in:
        urls = part.urls().items()
        yield Detour(way_in, {name: url.replace(f":{part.port}", f":{way_in.port}") for name, url in urls})


@contextmanager
def led_through(scene: Scene, worker: Worker, *names: str) -> Iterator[dict[str, Proxy]]:
    """Have one worker reach these parts through proxies of its own within the block; yields them by the parts' names.

    The worker is started again at the beginning and at the end.
    """
    with ExitStack() as ways:
        made = {name: ways.enter_context(detour(scene, name)) for name in names}
        over = {variable: url for way in made.values() for variable, url in way.environment.items()}
        with _on_its_own_way(scene, worker, over):
            direct = _reached(worker) & {scene.stack.stack.parts[name].port for name in names}
            assert not direct, f"{worker.name} reaches {names} beside the proxies, at {direct}"
            yield {name: way.proxy for name, way in made.items()}


@contextmanager
def _on_its_own_way(scene: Scene, worker: Worker, over: Mapping[str, str]) -> Iterator[None]:
    """Lead one worker by these variables within the block, over those of an outer block that leads it, too."""
    before = scene.environment_of.get(worker.name, {})
    scene.environment_of[worker.name] = {**before, **over}
    try:
        _again(scene, worker)
        yield
    finally:
        if before:
            scene.environment_of[worker.name] = before
        else:
            del scene.environment_of[worker.name]
        _again(scene, worker)


def _again(scene: Scene, worker: Worker) -> None:
    fleet.stop(scene, worker)
    scene.restart(worker)


def _reached(worker: Worker) -> set[int]:
    """Return the ports that a worker has connections to."""
    assert worker.process is not None
    return {to.raddr.port for to in psutil.Process(worker.process.pid).net_connections("tcp") if to.raddr}


@contextmanager
def _second_listener(scene: Scene, straight: Kafka) -> Iterator[Detour]:
    stack, inside = scene.stack.stack, free_port()
    with proxy(inside) as way_in:
        straight.stop()
        stack.parts[Kafka.name] = TwoListeners(straight.place, inside, way_in.port)
        stack.restart(Kafka.name)
        try:
            yield Detour(way_in, {"MICROBLOG_KAFKA_URL": f"kafka://{HOST}:{way_in.port}"})
        finally:
            stack.parts[Kafka.name].stop()
            stack.parts[Kafka.name] = straight
            stack.restart(Kafka.name)


class TwoListeners(Kafka):
    """A broker with a second listener, whose clients are told another port for it."""

    def __init__(self, place: ServerPaths, inside: int, outside: int) -> None:
        super().__init__(place)
        self._inside, self._outside = inside, outside

    def prepare(self, children: Children) -> None:
        """Write the configuration; what comes last in it counts."""
        super().prepare(children)
        listeners = {
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{self.place.ports['kafka-controller']}"
            f",DETOUR://{HOST}:{self._inside}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self.port},DETOUR://{HOST}:{self._outside}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,DETOUR:PLAINTEXT",
        }
        with (self.home / "server.properties").open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in listeners.items())
