"""The generation in which a worker runs, and when it leaves for the next."""

import pytest
from psycopg2.errors import InsufficientPrivilege

from microblog_streams.config.settings import Settings
from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.services import deployment_watch as module
from microblog_streams.services.deployment_watch import DeploymentWatch, choose_topic_set
from microblog_streams.stores.redis.worker_registry import Worker
from tests.support.waiting import until

OLD, NEW = Deployment(1, 8), Deployment(2, 12)
FILLED = Deployment(1, 8, 0, Phase.FILLED, 2, 12)
COPYING = Deployment(1, 8, 0, Phase.COPYING, 2, 12)


def settings(generation):
    return Settings.model_construct(generation=generation)


def worker(name, generation, *partitions, roles="both"):
    return Worker(name, f"http://{name}", roles, partitions, generation)


class Place:
    """What one worker, named b, sees around it."""

    def __init__(self):
        self.deployment = OLD
        self.away = False
        self.refusal = None
        self.asked = 0
        self.workers = []
        self.remembered = []
        self.restarts = 0

    async def ask(self):
        self.asked += 1
        if self.away:
            raise StoreUnavailable("postgres", "away")
        if self.refusal:
            raise self.refusal
        return self.deployment

    def start_again(self):
        self.restarts += 1


@pytest.fixture
def place(monkeypatch):
    place = Place()
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.01)
    monkeypatch.setattr(module, "start_again", place.start_again)
    return place


@pytest.fixture
async def generations(place):
    service = DeploymentWatch(OLD, 1, place.ask, place.remembered.append, lambda: place.workers, "b")
    async with service:
        yield service


@pytest.mark.parametrize("deployment", [OLD, COPYING, FILLED])
def test_a_worker_runs_in_the_present_generation_unless_told_otherwise(deployment):
    assert choose_topic_set(settings("present"), deployment) == 1


@pytest.mark.parametrize(("deployment", "generation"), [(OLD, 1), (FILLED, 2), (NEW, 2)])
def test_a_worker_of_the_next_generation_runs_there_while_there_is_one(deployment, generation):
    assert choose_topic_set(settings("next"), deployment) == generation


def test_a_worker_of_the_next_generation_is_refused_while_the_table_is_being_filled():
    with pytest.raises(SetupError, match="MICROBLOG_GENERATION=next"):
        choose_topic_set(settings("next"), COPYING)


async def test_what_is_seen_is_kept_for_the_next_start_and_what_is_not_is_left(generations, place):
    place.deployment = FILLED
    await until(lambda: place.remembered[-1:] == [FILLED])
    place.away = True
    place.deployment = NEW
    with pytest.raises(StoreUnavailable):
        await generations.refresh()
    assert (generations.deployment, place.restarts) == (FILLED, 0)


async def test_a_refusal_of_postgresql_ends_no_worker(generations, place, caplog):
    """All workers read the same row, so all would end at once."""
    place.refusal, asked = InsufficientPrivilege("permission denied for table deployment"), place.asked
    await until(lambda: place.asked > asked + 2)
    assert "deployment_unknown" in caplog.text

    place.refusal, place.deployment = None, FILLED
    await until(lambda: generations.deployment == FILLED)


async def test_a_worker_starts_again_once_its_generation_is_over(generations, place):
    place.deployment = NEW
    await until(lambda: place.restarts)
    assert place.restarts == 1


async def test_a_worker_waits_only_for_workers_before_it_by_name(generations, place):
    place.workers = [worker("a", 1, 0), worker("b", 1, 1), worker("c", 1, 2)]
    place.deployment = NEW
    await until(lambda: generations.deployment == NEW)
    place.workers = [worker("a", 2), worker("b", 1, 1), worker("c", 1, 2)]
    assert await held(generations, place)

    place.workers = [worker("a", 2, 0), worker("b", 1, 1), worker("c", 1, 2)]
    await until(lambda: place.restarts)


async def test_a_worker_that_waits_for_one_that_is_gone_does_so_for_a_time(generations, place, monkeypatch):
    monkeypatch.setattr(module, "TURN_SECONDS", 0.05)
    place.workers = [worker("a", 1, 0), worker("b", 1, 1)]
    place.deployment = NEW
    await until(lambda: place.restarts)


async def test_one_with_partitions_is_enough(generations, place):
    """There may be more workers than partitions."""
    place.workers = [worker("a", 1, 0), worker("aa", 1, 1), worker("b", 1, 1)]
    place.deployment = NEW
    await until(lambda: generations.deployment == NEW)
    place.workers = [worker("a", 2, 0), worker("aa", 2), worker("b", 1, 1)]
    await until(lambda: place.restarts)


async def test_workers_that_only_serve_rest_have_no_partitions_to_wait_for(generations, place):
    place.workers = [worker("a", 1, roles="web"), worker("b", 1, 1)]
    place.deployment = NEW
    await until(lambda: generations.deployment == NEW)
    place.workers = [worker("a", 2, roles="web"), worker("b", 1, 1)]
    await until(lambda: place.restarts)


async def held(generations, place):
    """Let the service look some more times; return whether it has stayed."""
    looks = []
    generations._workers = lambda: looks.append(None) or place.workers
    await until(lambda: len(looks) > 3)
    return place.restarts == 0
