"""What real workers and commands are started and waited for with, on the session's stack or on another."""

import signal
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from microblog_streams.config.settings import PREFIX
from tests.support.live.command import Command
from tests.support.live.ports import free_port
from tests.support.live.stack import RunningStack
from tests.support.live.worker import DEADLINE, Worker
from tests.support.waiting import PATIENT_SECONDS

#: Settings of what a busy machine must not make fail.
PATIENT = {"STORE_TIMEOUT": f"{PATIENT_SECONDS:g}"}
#: Seconds within which a busy broker confirms a post.
PUBLISH_TIMEOUT = "8"


def migrate_stack(stack: RunningStack, at_once: int = 1, **settings: str) -> None:
    """Make tables, keyspace and topics, by so many commands that begin at the same time."""
    commands = [Command(stack, "migrate", **PATIENT, **settings) for _ in range(at_once)]
    failed = [command.told() for command in commands if command.ended() != 0]
    assert not failed, failed


def make_workers(stack: RunningStack) -> Iterator[Callable[..., Worker]]:
    """Give what makes workers, each with a name, a folder and a port of its own; end them afterwards."""
    made: list[Worker] = []

    def make(name: str | None = None, **options: Any) -> Worker:
        name = name or f"t{uuid.uuid4().hex[:8]}"
        environment = {**stack.environment, f"{PREFIX}PUBLISH_TIMEOUT": PUBLISH_TIMEOUT}
        log = stack.stack.data_dir / "logs" / f"{name}.log"
        made.append(Worker(name, free_port(), environment, log, **options))
        return made[-1]

    yield make
    running = [worker for worker in made if worker.process is not None and worker.process.poll() is None]
    for worker in running:
        worker.process.send_signal(signal.SIGTERM)
    for worker in running:
        worker.ended()


def wait_until(condition: Callable[[], Any], *shown: Worker, seconds: float = DEADLINE) -> None:
    """Return once the condition holds; fail, with the logs of these workers, where it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            logs = "\n".join(f"--- {worker.name}\n{worker.tail()}" for worker in shown)
            pytest.fail(f"not within {seconds:g} s\n{logs}")
        time.sleep(0.1)
