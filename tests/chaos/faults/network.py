"""One worker loses a part that the others still reach: for less and for more than its session, or one direction of it.

The network passes nothing, or resets connections. What was held back arrives late, when the worker has given it up and
others may have done its work.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.chaos import fleet
from tests.chaos.detour import led_through
from tests.chaos.fault import Fault
from tests.chaos.lasting import LONG, ONE_WAY, SHORT, during
from tests.chaos.onlooker import Onlooker
from tests.chaos.proxy import BACK, THERE, Proxy
from tests.chaos.scene import Scene
from tests.support.live.worker import Worker

PARTS = ("kafka", "valkey", "postgres", "cassandra")
#: Tries of what must work all the while.
TRIES = 5
#: What the people do at a worker.
Doing = Callable[[Onlooker], None]


@dataclass(frozen=True)
class Sides:
    """People at the worker that loses something, and at another one, which loses nothing."""

    scene: Scene
    inside: Onlooker
    outside: Onlooker

    def lasts(self, seconds: float, inside: Doing, outside: Doing) -> None:
        """Have both go on for so long."""
        during(seconds, lambda: (inside(self.inside), outside(self.outside)))

    def back(self) -> None:
        """Wait until both see everything that was answered to them."""
        self.scene.rest()
        for side in (self.inside, self.outside):
            side.posts_on()
            side.follows_on()
            side.sees_everything()


def without_kafka(scene: Scene) -> None:
    """It refuses posts and serves everything else. After its session the others have its partitions."""

    def taken_over(sides: Sides) -> None:
        fleet.take_over(scene, fleet.others(scene, sides.inside.worker))
        sides.outside.sees_everything()

    _loses(scene, "kafka", _is_refused_posts, _goes_on, taken_over)


def without_redis(scene: Scene) -> None:
    """It reads timelines from the posts. Its own partitions wait for it, as it is well in the eyes of Kafka."""
    _loses(scene, "valkey", _reads_everything, _goes_on)


def without_postgres(scene: Scene) -> None:
    """It refuses follows and serves whom it knows. Another one carries the outbox, if it was the leader."""

    def another_leads(sides: Sides) -> None:
        fleet.leader(scene, fleet.others(scene, sides.inside.worker))
        sides.outside.sees_everything()

    _loses(scene, "postgres", _is_refused_follows, _goes_on, another_leads)


def without_cassandra(scene: Scene) -> None:
    """It posts, and reads what is in the cache. The others read everything."""
    _loses(scene, "cassandra", _is_refused_pages, _goes_on)


def half_open(scene: Scene) -> None:
    """One direction of one part: what it asks arrives and the answers do not, then the other way round."""
    worker = scene.random.choice(scene.workers)
    with led_through(scene, worker, *PARTS) as network:
        sides = _sides(scene, network, worker)
        for proxy in network.values():
            for way in (BACK, THERE):
                with proxy.passing_nothing(frozenset({way})):
                    sides.lasts(ONE_WAY, Onlooker.is_always_answered, _goes_on)
                sides.back()


def _loses(
    scene: Scene, part: str, inside: Doing, outside: Doing, in_the_end: Callable[[Sides], None] = lambda sides: None
) -> None:
    """Lose a part for less than a session, for more, and by resets; what must hold at last is seen while it is lost."""
    worker = scene.random.choice(scene.workers)
    with led_through(scene, worker, part) as network:
        sides, proxy = _sides(scene, network, worker), network[part]
        with proxy.passing_nothing():
            sides.lasts(SHORT, inside, outside)
        sides.back()
        for lost in (proxy.passing_nothing, proxy.ending_connections):
            with lost():
                sides.lasts(LONG, inside, outside)
                in_the_end(sides)
            sides.back()


def _sides(scene: Scene, network: Mapping[str, Proxy], worker: Worker) -> Sides:
    (other,) = fleet.others(scene, worker)[:1]
    assert all(proxy.taken for proxy in network.values()), f"{worker.name} uses not all of {[*network]}"
    return Sides(scene, *(Onlooker(scene, at, TRIES) for at in (worker, other)))


def _goes_on(onlooker: Onlooker) -> None:
    onlooker.posts_on()
    onlooker.registers_and_follows()
    onlooker.reads_on()


def _is_refused_posts(onlooker: Onlooker) -> None:
    onlooker.reads_everything()
    onlooker.registers_and_follows()
    onlooker.is_refused_posts()


def _reads_everything(onlooker: Onlooker) -> None:
    onlooker.posts_on()
    onlooker.registers_and_follows()
    onlooker.reads_everything()


def _is_refused_follows(onlooker: Onlooker) -> None:
    onlooker.posts_on()
    onlooker.reads_on()
    onlooker.is_refused_follows()


def _is_refused_pages(onlooker: Onlooker) -> None:
    onlooker.posts_on()
    onlooker.registers_and_follows()
    onlooker.reads_on()
    onlooker.is_refused("GET", f"/posts/{onlooker.ann}")


FAULTS = [
    Fault("one-worker-without-kafka", without_kafka),
    Fault("one-worker-without-redis", without_redis),
    Fault("one-worker-without-postgres", without_postgres),
    Fault("one-worker-without-cassandra", without_cassandra),
    Fault("half-open", half_open),
]
