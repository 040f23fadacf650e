"""The fixtures of a deployment that a module has for itself, on the session's servers.

What it leaves has other partitions, or is wrong.
"""

import pytest

from microblog_streams.config.settings import PREFIX
from tests.support.churn.scenario import Parts
from tests.support.live.command import Command
from tests.support.live.kafka import Kafka
from tests.support.live.processes import make_workers
from tests.support.live.separate import separate_deployment


@pytest.fixture(scope="module")
def separate(migrated):
    """The deployment, with tables, keyspace and topics of 8 partitions."""
    with separate_deployment(migrated) as separate:
        yield separate


@pytest.fixture(scope="module")
def kafka(separate):
    return Kafka(separate.environment[f"{PREFIX}KAFKA_URL"], separate.topic_set)


@pytest.fixture
def workers(separate):
    """Makes workers; ends them after the test."""
    yield from make_workers(separate)


@pytest.fixture
def parts(workers, people, kafka, eventually):
    return Parts(workers, people, kafka, eventually)


@pytest.fixture
def command(separate):
    """Begins a command; kills it after the test where it still runs."""
    begun = []

    def begin(*arguments):
        begun.append(Command(separate, *arguments))
        return begun[-1]

    yield begin
    for one in begun:
        one.kill()


@pytest.fixture
def two(workers, eventually):
    both = [workers().start(), workers().start()]
    eventually(lambda: all(worker.well() for worker in both), *both)
    return both
