"""What a worker fetches around a rebalance, and how long a fetch may wait."""

import logging
from types import SimpleNamespace

import faust
import pytest
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP

from microblog_streams.bootstrap.application import MicroblogApp
from microblog_streams.delivery.faust_patches.consumer import PatchedConsumer
from microblog_streams.delivery.faust_patches.transport import JOINING_FETCH_MS, READY_FETCH_MS, HeartbeatConsumer
from microblog_streams.delivery.progress import RebalanceClock

PARTITION = TP("events", 0)


@pytest.fixture
async def consumer(tmp_path):
    """Makes a consumer of a kind, which is not started, and calls this when partitions are assigned to it."""
    made = []

    def make(kind, on_assigned=None):
        app = faust.App("fetching-test", datadir=tmp_path, store="memory://", broker="kafka://127.0.0.1:1")
        made.append(kind(app.transport, len, on_partitions_revoked=len, on_partitions_assigned=on_assigned))
        return made[-1]

    yield make
    for one in made:
        one._thread.thread_loop.close()


async def assigned(consumer, kind):
    """Assign a partition to a worker that had none, whose flow runs; return what is wanted until it is paused."""
    seen = []

    async def on_assigned(assigned, generation):
        seen.extend(one._get_active_partitions())

    one = consumer(kind, on_assigned)
    await one.on_partitions_assigned({PARTITION}, 1)
    return seen


async def test_nothing_of_a_new_assignment_is_wanted_before_recovery_wants_it(consumer):
    assert await assigned(consumer, PatchedConsumer) == []


async def test_faust_wants_all_of_it_until_it_pauses_it(consumer):
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    assert await assigned(consumer, Consumer) == [PARTITION]


def wait_at_first(consumer):
    """Return for how long the fetches of a consumer may wait when it starts, in milliseconds."""
    aiokafka = consumer._thread._create_worker_consumer(consumer.transport)
    aiokafka._closed = True
    return aiokafka._fetch_max_wait_ms


async def test_fetches_are_short_while_a_worker_joins(consumer):
    assert wait_at_first(consumer(HeartbeatConsumer)) == JOINING_FETCH_MS == 100


async def test_faust_s_own_fetches_hold_up_the_requests_behind_them(consumer):
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    assert wait_at_first(consumer(Consumer)) == 1_500


@pytest.fixture
def worker(consumer):
    """A worker's consumer, its fetcher, and the app to which they belong."""
    pulsed, fetcher = consumer(HeartbeatConsumer), SimpleNamespace(_fetch_max_wait_ms=JOINING_FETCH_MS)
    pulsed._thread._consumer = SimpleNamespace(_fetcher=fetcher)
    app = MicroblogApp.__new__(MicroblogApp)
    app.services = SimpleNamespace(cluster=SimpleNamespace(worker_presence=SimpleNamespace(changed=lambda: None)))
    app.log = logging.getLogger(__name__)
    app.rebalance_clock = RebalanceClock()
    app._consumer, app._rebalancing_span, app._rebalancing_sensor_state = pulsed, None, None
    return SimpleNamespace(app=app, consumer=pulsed, fetcher=fetcher)


async def test_fetches_are_long_once_a_rebalance_is_over(worker):
    worker.app.on_rebalance_end()
    assert worker.fetcher._fetch_max_wait_ms == READY_FETCH_MS == 500


async def test_fetches_are_short_again_when_the_next_begins(worker):
    worker.app.on_rebalance_end()
    worker.consumer.stop_flow()
    assert worker.fetcher._fetch_max_wait_ms == JOINING_FETCH_MS


@pytest.mark.parametrize("aiokafka", [None, SimpleNamespace(_fetcher=None)])
async def test_both_are_harmless_before_there_is_a_fetcher(worker, aiokafka):
    worker.consumer._thread._consumer = aiokafka
    worker.app.on_rebalance_end()
    worker.consumer.stop_flow()
    assert not worker.consumer.flow_active
