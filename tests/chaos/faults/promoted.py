"""PostgreSQL's standby is promoted: with every commit that was answered, and without the last ones.

With a synchronous standby every answered commit is on both servers, and the primary dies under full load: the history
is compared as it is. Without one, the commits since the standby was cut off are lost. So the part of the history that
PostgreSQL stores is reset to that moment, and tables and timelines must agree with that. Posts are stored in Kafka and
Cassandra, and must all be there in both cases.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from microblog_streams.local.ports import HOST
from microblog_streams.local.postgres import Postgres
from tests.chaos import fleet
from tests.chaos.fault import Fault
from tests.chaos.scene import DEADLINE, SOME, Scene
from tests.support.servers.postgres_standby import (
    Standby,
    add_standby,
    admit_replicas,
    copy,
    promote,
    run,
    wait_for_replica,
)

#: Counts the partitions that were compared since the last promotion.
COUNT_COMPARED = "SELECT count(*) FROM edge_audits JOIN deployment USING (audit)"


def promoted(scene: Scene) -> None:
    """The primary dies under load beside a synchronous standby; then the new one beside a standby that lags."""
    stack = scene.stack.stack
    home = stack.parts["postgres"]
    assert isinstance(home, Postgres)
    away = add_standby(stack)
    try:
        with _both_named(scene, home, away):
            _with_every_commit(scene, home, away)
            _without_the_last_commits(scene, away, home)
    finally:
        stack.parts.pop("standby").stop()
        shutil.rmtree(away.home)


def _with_every_commit(scene: Scene, primary: Postgres, standby: Standby) -> None:
    run(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
    run(primary, "SELECT pg_reload_conf()")
    synchronous = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
    scene.eventually(lambda: run(primary, synchronous) == [(1,)])
    scene.rest()
    scene.stack.stack.kill(primary.name)
    promote(standby)
    _compared(scene, standby)
    scene.rest()


def _without_the_last_commits(scene: Scene, primary: Postgres, standby: Postgres) -> None:
    stack, load = scene.stack.stack, scene.load
    assert stack.children is not None
    admit_replicas(primary)
    copy(primary, standby, stack.children)
    stack.restart(standby.name)
    with load.still():
        wait_for_replica(primary)
        standby.stop()
        kept = load.remember()
    scene.rest(2 * SOME)
    with load.still():
        stack.kill(primary.name)
        lost = load.forget_since(kept)
        stack.restart(standby.name)
        promote(standby)
    assert lost.edges, "nothing was lost"
    _compared(scene, standby)
    for person in lost.people:
        for path in (f"/users/{person}", f"/timelines/{person}"):
            assert scene.workers[0].call("GET", path).status == 404, f"{path} is there, and PostgreSQL lost this user"
    scene.rest()


def _compared(scene: Scene, primary: Postgres) -> None:
    """Wait until the workers have compared all their rows with what the new primary says."""
    every_partition = [(len(fleet.PARTITIONS),)]
    scene.eventually(lambda: run(primary, COUNT_COMPARED) == every_partition, *scene.workers, seconds=DEADLINE)


@contextmanager
def _both_named(scene: Scene, one: Postgres, other: Postgres) -> Iterator[None]:
    """Have the workers' URL name both servers within the block."""
    ((variable, url),) = one.urls().items()
    alone = f"{HOST}:{one.port}"
    scene.environment_over[variable] = url.replace(alone, f"{alone},{HOST}:{other.port}")
    try:
        fleet.restart_all(scene)
        yield
    finally:
        del scene.environment_over[variable]
        fleet.restart_all(scene)


FAULTS = [Fault("postgres-promoted", promoted)]
