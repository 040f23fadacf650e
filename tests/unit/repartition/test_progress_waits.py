"""What a move waits for: what workers have acknowledged, and what they announce."""

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.topics import EDGES, POSTS
from microblog_streams.repartition import progress_waits as module
from microblog_streams.repartition.progress_waits import ProgressWaits
from microblog_streams.stores.redis.worker_registry import Worker
from tests.support.fakes.repartition import SilentProgress


class Offsets:
    """Answers one count after the other, the last one for good; ``asked`` is for whom."""

    def __init__(self):
        self.counts = [0]
        self.answers = []
        self.done = {}
        self.asked = []

    async def total_lag(self, group, topics, partitions):
        self.asked.append((group, tuple(topics), partitions))
        return self.counts.pop(0) if len(self.counts) > 1 else self.counts[0]

    async def end_offsets(self, topics, partitions):
        return tuple(topics), partitions

    async def has_committed(self, group, ends):
        self.asked.append((group, *ends))
        return self.answers.pop(0)

    async def progress(self, group, topic, partitions):
        return self.done.get((group, topic), 0), 10


class WorkerRegistry:
    def __init__(self):
        self.looks = [[]]

    async def workers(self):
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


def worker(name, generation, *partitions):
    return Worker(name, f"http://{name}", "both", partitions, generation)


@pytest.fixture
def offsets():
    return Offsets()


@pytest.fixture
def registry():
    return WorkerRegistry()


@pytest.fixture
def kept():
    return []


@pytest.fixture
def waits(offsets, registry, kept, monkeypatch):
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.001)

    async def keep():
        kept.append(True)

    return ProgressWaits(offsets, registry.workers, keep, SilentProgress())


async def test_a_generation_is_drained_when_all_that_its_topics_hold_is_acknowledged(waits, offsets, kept):
    offsets.counts = [7, 7, 2, 0]
    await waits.wait_until_drained("posts", POSTS, 2, 12)
    assert set(offsets.asked) == {("microblog.g2", ("post.created.g2", "post.deleted.g2"), 12)}
    assert (len(offsets.asked), len(kept)) == (4, 2)


async def test_a_wait_ends_with_the_move(waits, offsets, monkeypatch):
    async def lost():
        raise StoreUnavailable("postgres", "the session is gone")

    offsets.counts = [7]
    with pytest.raises(StoreUnavailable):
        await ProgressWaits(offsets, waits.workers, lost, SilentProgress()).wait_until_drained("posts", POSTS, 1, 8)


async def test_a_generation_is_warm_when_its_workers_have_all_partitions_and_have_caught_up(waits, offsets, registry):
    half, whole = [worker("a", 1, 0, 1), worker("c", 2, 0)], [worker("c", 2, 0), worker("d", 2, 1)]
    registry.looks = [half, whole, [*whole, worker("last", 2)]]
    offsets.answers = [False, False, True]
    await waits.wait_until_warm(2, 2)
    assert registry.looks == [[*whole, worker("last", 2)]]
    assert offsets.answers == []
    assert offsets.asked == [("microblog.g2", tuple(f"{name}.g2" for name in EDGES), 2)] * 3


async def test_what_comes_after_all_partitions_are_there_is_not_waited_for(waits, offsets, registry):
    """Under load some event is always under way: with a steady trickle of follows a warm move never went on."""
    registry.looks = [[worker("c", 2, 0)]]
    offsets.counts = [5]
    offsets.answers = [True]
    await waits.wait_until_warm(2, 1)


async def test_a_generation_has_begun_when_a_worker_runs_in_it_or_did(waits, offsets, registry):
    registry.looks = [[worker("a", 1, 0)]]
    assert not await waits.has_begun(2, 12)
    offsets.done["microblog.g2", "user.unfollow.g2"] = 3
    assert await waits.has_begun(2, 12)
    offsets.done = {}
    registry.looks = [[worker("a", 1, 0), worker("b", 2)]]
    assert await waits.has_begun(2, 12)


async def test_workers_are_watched_until_all_have_started_again(waits, registry):
    registry.looks = [
        [worker("a", 1), worker("b", 1)],
        [worker("a", 2), worker("b", 1)],
        [worker("a", 2), worker("b", 2)],
    ]
    assert await waits.wait_until_restarted(2) == []


async def test_those_that_do_not_start_again_are_named_after_a_while(waits, registry, monkeypatch):
    monkeypatch.setattr(module, "_RESTART_SECONDS", 0.05)
    registry.looks = [[worker("a", 1), worker("b", 2)]]
    assert await waits.wait_until_restarted(2) == [worker("a", 1)]
