"""The restore drill of docs/operating.md: everything is backed up under load, destroyed, and restored elsewhere."""

import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.chaos.arena import scene_on
from tests.chaos.loads import load_of
from tests.chaos.scene import DEADLINE, SOME
from tests.support.live.command import Command, run_command
from tests.support.live.people import People
from tests.support.live.processes import migrate_stack, wait_until
from tests.support.servers import backups
from tests.support.servers.postgres_standby import run
from tests.support.workload.kept import Kept, remember
from tests.support.workload.reading import read_everything

pytestmark = pytest.mark.integration

NOTHING_WRONG = "0 missing, 0 stray, 0 doubled, 0 misplaced, 0 unindexed"


class Clock:
    """Measures the steps of the drill."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - begun


@pytest.fixture
def clock(capsys):
    """Prints what was measured in the end."""
    clock = Clock()
    yield clock
    with capsys.disabled():
        print("\n" + "\n".join(f"{name}: {seconds:.1f} s" for name, seconds in clock.seconds.items()))


@pytest.fixture
def folder():
    folder = Path(tempfile.mkdtemp(prefix="microblog-drill-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def disaster(folder, clock):
    """What was answered before the backup, and all until nothing was left but the backup."""
    with backups.managed_stack(folder / "old") as stack:
        migrate_stack(stack)
        with scene_on(stack) as scene:
            scene.load = load_of(scene.workers[0], random.Random(3))
            with scene.load as load:
                scene.rest(3 * SOME)
                before = remember(load)
                scene.caught_up()
                with clock.step("Cassandra's backup"):
                    backups.back_up_cassandra(stack.stack, folder / "backup" / "cassandra")
                scene.rest()
                with clock.step("PostgreSQL's backup"):
                    backups.back_up_postgres(stack.stack, folder / "backup" / "postgres")
                scene.rest()
                for worker in scene.workers:
                    worker.kill()
                backups.destroy(stack.stack)
            assert not load.history.strange
            return before, load.history


def ends_well(stack, *arguments):
    status, said, errors = run_command(stack.environment, *arguments)
    assert status == 0, (said, errors)
    return said.decode().splitlines()[-1]


def era(stack):
    return run(stack.stack.parts["postgres"], "SELECT era FROM deployment")[0][0]


@pytest.fixture
def restored(folder, disaster, clock):
    """A scene on a stack that began with the backup, after the steps of docs/operating.md."""
    backups.restore_postgres(folder / "new", folder / "backup" / "postgres")
    with ExitStack() as running:
        with clock.step("parts started, PostgreSQL with its backup"):
            stack = running.enter_context(backups.managed_stack(folder / "new"))
        with clock.step("migrate"):
            migrate_stack(stack)
        with clock.step("Cassandra's files put back"):
            backups.restore_cassandra(stack.stack, folder / "backup" / "cassandra")
        # Before any worker serves: no registration may come before it.
        raising = Command(stack, "raise-era")
        wait_until(lambda: era(stack) == 1)
        with clock.step("workers started"):
            scene = running.enter_context(scene_on(stack))
        with clock.step("raise-era ended after that"):
            assert raising.ended() == 0, raising.told()
        yield scene


def test_what_a_backup_has_is_there_again(disaster, restored, clock, capsys):
    (before, end), scene, stack = disaster, restored, restored.stack
    for arguments in (["rebuild", "edges"], ["rebuild", "posts"], ["rebuild", "timelines"]):
        with clock.step(" ".join(arguments)):
            ends_well(stack, *arguments)
    worker = scene.workers[0]
    with clock.step("every timeline read"):
        found = asyncio.run(read_everything(end.people, worker.url))
    with clock.step("verify"):
        said = ends_well(stack, "verify")
    with clock.step("verify --posts"):
        posts = ends_well(stack, "verify", "--posts")

    kept = Kept(before, end, found)
    with capsys.disabled():
        print(f"\nverify: {said}\nverify --posts: {posts}\nlost: {kept.lost()}")
    assert kept.wrong() == []
    assert said.endswith(NOTHING_WRONG)
    assert said.startswith(f"{len(found.timelines):,} checked, 0 cold")
    people = People()
    new, reader = people.register(worker), people.register(worker)
    assert new > max(end.people)
    assert people.timeline(worker, new) == []
    people.follow(worker, reader, new)
    post = people.post(worker, new)
    scene.eventually(lambda: people.timeline(worker, reader) == [post], worker, seconds=DEADLINE)
