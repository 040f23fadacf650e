"""The fixtures of tests with real workers; a conftest names those that its folder uses."""

import signal
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from microblog_streams.config.settings import PREFIX
from tests.support.live.command import Command
from tests.support.live.kafka import Kafka
from tests.support.live.people import People
from tests.support.live.stack import RunningStack
from tests.support.live.worker import DEADLINE, Worker
from tests.support.waiting import PATIENT_SECONDS

#: Migrations of a new stack that begin at the same time; tests/system/away/test_migrate.py reads what they wrote.
MIGRATIONS = 3
#: Settings of what a busy machine must not make fail.
PATIENT = {"STORE_TIMEOUT": f"{PATIENT_SECONDS:g}"}


@pytest.fixture(scope="session")
def migrate(stack) -> Callable[[], None]:
    """Makes tables, keyspace and topics."""
    return lambda: migrate_stack(stack)


def migrate_stack(stack: RunningStack, **settings: str) -> None:
    command = Command(stack, "migrate", **PATIENT, **settings)
    assert command.ended() == 0, command.told()


@pytest.fixture(scope="session")
def migrated(stack) -> Any:
    """The stack with tables, keyspace and topics, which several migrations have made at once."""
    commands = [Command(stack, "migrate", **PATIENT) for _ in range(MIGRATIONS)]
    assert [command.ended() for command in commands] == [0] * MIGRATIONS, commands[0].told()
    return stack


@pytest.fixture(scope="session")
def kafka(migrated) -> Kafka:
    return Kafka(migrated.environment[f"{PREFIX}KAFKA_URL"])


@pytest.fixture(scope="session")
def people() -> People:
    return People()


def make_workers(stack: RunningStack) -> Iterator[Callable[..., Worker]]:
    made: list[Worker] = []

    def make(name: str | None = None, **options: Any) -> Worker:
        name = name or f"t{uuid.uuid4().hex[:8]}"
        environment = dict(stack.environment)
        log = stack.stack.data_dir / "logs" / f"{name}.log"
        made.append(Worker(name, free_port(), environment, log, **options))
        return made[-1]

    yield make
    running = [worker for worker in made if worker.process is not None and worker.process.poll() is None]
    for worker in running:
        worker.process.send_signal(signal.SIGTERM)
    for worker in running:
        worker.ended()


@pytest.fixture
def workers(migrated) -> Iterator[Callable[..., Worker]]:
    """Makes workers, each with a name, a folder and a port of its own; ends them after the test."""
    yield from make_workers(migrated)


@pytest.fixture(scope="module")
def module_workers(migrated) -> Iterator[Callable[..., Worker]]:
    """The same, for a whole module."""
    yield from make_workers(migrated)


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    """Waits until a condition holds; shows the workers' logs where it does not."""
    return wait_until


def wait_until(condition: Callable[[], Any], *shown: Worker, seconds: float = DEADLINE) -> None:
    """Return once the condition holds; fail, with the logs of these workers, where it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            logs = "\n".join(f"--- {worker.name}\n{worker.tail()}" for worker in shown)
            pytest.fail(f"not within {seconds:g} s\n{logs}")
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
