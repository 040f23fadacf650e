"""The fixtures of a stack that a module has for itself: what it leaves has other partitions, in another generation."""

import pytest

from microblog_streams.config.settings import PREFIX
from tests.support.churn.scenario import Parts
from tests.support.live.command import Command
from tests.support.live.kafka import Kafka
from tests.support.live.processes import make_workers, migrate_stack
from tests.support.live.stack import running_stack


@pytest.fixture(scope="module")
def stack():
    """The stack, with tables, keyspace and topics of 8 partitions."""
    with running_stack() as running:
        migrate_stack(running)
        yield running


@pytest.fixture(scope="module")
def kafka(stack):
    return Kafka(stack.environment[f"{PREFIX}KAFKA_URL"])


@pytest.fixture
def workers(stack):
    """Makes workers; ends them after the test."""
    yield from make_workers(stack)


@pytest.fixture
def parts(workers, people, kafka, eventually):
    return Parts(workers, people, kafka, eventually)


@pytest.fixture
def command(stack):
    """Begins a command; kills it after the test where it still runs."""
    begun = []

    def begin(*arguments):
        begun.append(Command(stack, *arguments))
        return begun[-1]

    yield begin
    for one in begun:
        one.kill()


@pytest.fixture
def two(workers, eventually):
    both = [workers().start(), workers().start()]
    eventually(lambda: all(worker.well() for worker in both), *both)
    return both
