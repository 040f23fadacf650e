"""The fixtures of tests with real workers, as a plugin: a process of the tests has one stack, migrated once.

Where each folder's conftest imported them, pytest made a stack for each. The imports are in the fixtures: tests that
use none of them are spared the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.live.kafka import Kafka
    from tests.support.live.people import People
    from tests.support.live.stack import RunningStack
    from tests.support.live.worker import Worker

#: Migrations of a new stack that begin at the same time; tests/system/away/test_migrate.py reads what they wrote.
MIGRATIONS = 3


def pytest_configure() -> None:
    from tests.support.live.ports import choose_for_stacks

    choose_for_stacks()


@pytest.fixture(scope="session")
def stack() -> Iterator[RunningStack]:
    """The session's stack. Stores are empty at first; tests use names of their own and leave others' alone."""
    from tests.support.live.stack import running_stack

    with running_stack() as running:
        yield running


@pytest.fixture(scope="session")
def migrated(stack: RunningStack) -> RunningStack:
    """The stack with tables, keyspace and topics, which several migrations have made at once."""
    from tests.support.live.processes import migrate_stack

    migrate_stack(stack, at_once=MIGRATIONS)
    return stack


@pytest.fixture(scope="session")
def migrate(stack: RunningStack) -> Callable[[], None]:
    """Makes tables, keyspace and topics."""
    from tests.support.live.processes import migrate_stack

    return lambda: migrate_stack(stack)


@pytest.fixture(scope="session")
def engine_stack() -> Iterator[RunningStack]:
    """The session's search engine, a stack of its own. Its tests are run by one process (``distribution.py``)."""
    from microblog_streams.local.opensearch import OpenSearch
    from tests.support.live.stack import running_stack

    with running_stack([OpenSearch]) as running:
        yield running


@pytest.fixture(scope="session")
def kafka(migrated: RunningStack) -> Kafka:
    from tests.support.live.kafka import Kafka

    return Kafka(migrated.environment["MICROBLOG_KAFKA_URL"])


@pytest.fixture(scope="session")
def people() -> People:
    from tests.support.live.people import People

    return People()


@pytest.fixture
def workers(migrated: RunningStack) -> Iterator[Callable[..., Worker]]:
    """Makes workers, each with a name, a folder and a port of its own; ends them after the test."""
    from tests.support.live.processes import make_workers

    yield from make_workers(migrated)


@pytest.fixture(scope="module")
def module_workers(migrated: RunningStack) -> Iterator[Callable[..., Worker]]:
    """The same, for a whole module."""
    from tests.support.live.processes import make_workers

    yield from make_workers(migrated)


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    """Waits until a condition holds; shows the workers' logs where it does not."""
    from tests.support.live.processes import wait_until

    return wait_until
