"""Three workers behind the gateway are upgraded one after the other under load, and rolled back: no call fails.

The next release has a migration, more fields in its events, and other Lua functions. The settings of the workers are a
deployment's.
"""

import os
import re

import pytest
from redis import Redis

from microblog_streams.config.settings import PREFIX
from microblog_streams.domain import topics
from microblog_streams.local.gateway import WORKER_DEFAULTS
from tests.support.churn.outcome import ALARMS
from tests.support.churn.scenario import load_on
from tests.support.live.forked import ROOT
from tests.support.live.gateway import gateway_before
from tests.support.upgrade.release import FIELD, MIGRATION, VERSION, next_release, run
from tests.support.upgrade.rolling import Deliveries, Rolling, table
from tests.support.workload.reading import check

#: What may be repeated, by a gateway too: posts, follows and registrations have an Idempotency-Key.
REPEATABLE = (*("post_once", "read", "post_once", "follow_once") * 8, "register_once")
#: Calls a second. The client repeats none, and waits longer than the gateway needs to try three workers.
RATE, TIMEOUT_SECONDS = 20, 60.0
#: As delivered, in place of those that make tests quick, but for a publish that waits on a busy machine; and each
#: delivery is logged. With SESSION_SECONDS=30 each worker is back before its partitions are given to others.
SETTINGS = {
    "PUBLISH_TIMEOUT": "4",
    "SESSION_TIMEOUT": os.environ.get("SESSION_SECONDS", "10"),
    "HEARTBEAT_INTERVAL": "3",
    "COMMIT_INTERVAL": "0.5",
    "ACK_HOLD": "2.5",
    "STATIC_MEMBERSHIP": "true",
    "STANDBY_REPLICAS": "1",
    "LOG_LEVEL": "DEBUG",
    **{name.removeprefix(PREFIX): value for name, value in WORKER_DEFAULTS.items()},
}


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return next_release(tmp_path_factory.mktemp("release"))


@pytest.fixture
def three(workers, eventually):
    three = [workers(app="microblog_streams", forked=False).start(**SETTINGS) for _ in range(3)]
    eventually(lambda: all(worker.well() for worker in three), *three)
    return three


@pytest.fixture
def front(three, tmp_path, eventually):
    """The gateway, to be called like a worker."""
    with gateway_before(three, tmp_path, eventually) as front:
        yield front


def test_workers_are_upgraded_and_rolled_back_without_a_failed_call(
    stack, three, front, release, people, kafka, eventually, capsys
):
    load = load_on(front, people, RATE, REPEATABLE, timeout_seconds=TIMEOUT_SECONDS)
    rolling = Rolling(load, eventually, SETTINGS)
    with load:
        windows = [rolling.rest(three)]
        migrated = run(release, stack.environment, "migrate")
        assert MIGRATION in migrated.stdout, migrated
        windows += [rolling.replace(worker, release, f"{number} by the new") for number, worker in enumerate(three, 1)]
        eventually(lambda: [version(worker) for worker in three] == [VERSION] * 3, *three)
        windows += [rolling.replace(worker, ROOT, f"{number} by the old") for number, worker in enumerate(three, 1)]
    eventually(lambda: kafka.all_applied(three[0]), *three)
    history, report = load.history, check(load.history, front.url)
    with capsys.disabled():
        print(
            f"\nsessions of {SETTINGS['SESSION_TIMEOUT']} s: {dict(history.answered)} in {load.seconds:.0f} s, ", end=""
        )
        print(f"{len(failed(history))} failed")
        print(f"{report.timelines} timelines with {report.expected} entries\n{table(windows, Deliveries.read(three))}")

    assert failed(history) == []
    assert (history.strange, history.refused) == ([], 0)
    assert report.good, report.told
    assert [line for worker in three for line in worker.log.read_text().splitlines() if ALARMS.search(line)] == []
    eventually(lambda: VERSION not in [version(worker) or VERSION for worker in three], *three)
    assert set(events_of_both(kafka)) == {True, False}
    assert libraries(stack) >= 2


def failed(history):
    """Return the calls that had no good answer, with what they had; each was made once."""
    return [f"{call.call}: {call.answer}" for call in history.calls if not call.answer.startswith("2")]


def version(worker):
    """Return the version that a worker reports; None where a busy machine does not let it answer."""
    found = re.search(r'microblog_worker_info\{[^}]*version="([^"]+)"', str(worker.call("GET", "/metrics").body))
    return found and found[1]


def events_of_both(kafka):
    """Return for each of the posts' and follows' events whether it has the next release's field."""
    name = f'"{FIELD}"'.encode()
    return [name in record.value for topic in (topics.POST_CREATED, topics.USER_FOLLOW) for record in kafka.read(topic)]


def libraries(stack):
    """Return how many versions of the timelines' functions Redis has."""
    with Redis.from_url(stack.environment[f"{PREFIX}REDIS_URL"]) as redis:
        return str(redis.execute_command("FUNCTION", "LIST")).count("library_name")
