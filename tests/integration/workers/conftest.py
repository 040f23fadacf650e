"""Real workers as processes on the session's stack, and looks at Kafka from outside."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from yarl import URL

from microblog_streams import topics
from microblog_streams.events import Event
from microblog_streams.settings import PREFIX

ROOT = Path(__file__).parents[3]
GROUP = "microblog"
SOURCES = [name for name in topics.ALL if name != topics.DEAD_LETTERS]
#: Seconds within which everything must have happened, on a busy machine too.
DEADLINE = 60.0
#: A group that notices a death in 6 s, effects that are acknowledged at once, commits without delay.
QUICK = {
    "SESSION_TIMEOUT": "6",
    "HEARTBEAT_INTERVAL": "1",
    "COMMIT_INTERVAL": "0.2",
    "ACK_HOLD": "0.3",
}


def pytest_collection_modifyitems(items):
    for item in items:
        if "integration/workers" in str(item.path):
            item.add_marker(pytest.mark.integration)


@dataclass(frozen=True)
class Answer:
    """What a worker answered."""

    status: int
    body: Any


@dataclass
class Worker:
    """One worker, and its process when it runs."""

    name: str
    port: int
    environment: Mapping[str, str]
    log: Path
    app: str = "tests.integration.workers.probe"
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self, **settings: str) -> "Worker":
        """Start the process; settings by their names without prefix win over the worker's own."""
        own = {"WORKER": self.name, "WEB_PORT": str(self.port), **QUICK, **settings}
        environment = {**self.environment, **{f"{PREFIX}{name}": value for name, value in own.items()}}
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "faust", "-A", self.app, "worker", "-l", "info"]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=environment)
        return self

    def stop(self) -> int:
        """Ask the process to end; return its exit status."""
        return self.signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process as a power failure would."""
        self.signal(signal.SIGKILL)

    def signal(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait for the end of the process; return its exit status."""
        assert self.process is not None
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            pytest.fail(f"{self.name} did not end\n{self.tail()}")

    def call(self, method: str, path: str, body: Any = None, timeout: float = 20.0) -> Answer:
        """Call the worker over HTTP; status 0 where it does not answer."""
        data = None if body is None else json.dumps(body).encode()
        token = self.environment[f"{PREFIX}ADMIN_TOKEN"]
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return Answer(response.status, _parsed(response.read()))
        except urllib.error.HTTPError as exc:
            with exc:
                return Answer(exc.code, _parsed(exc.read()))
        except OSError:
            return Answer(0, None)

    def ready(self) -> bool:
        return self.call("GET", "/ready", timeout=2).status == 200

    def well(self) -> bool:
        """Tell whether REST is served and the tables are recovered."""
        health = self.call("GET", "/health", timeout=2).body
        return self.ready() and isinstance(health, dict) and health["tables"]["recovered"]

    def probe(self) -> dict[str, Any]:
        """Return what the probe sees inside."""
        body = self.call("GET", "/probe/").body
        assert isinstance(body, dict), self.tail()
        return body

    def tail(self, lines: int = 60) -> str:
        """Return the end of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class People:
    """What people do, through any worker."""

    def register(self, worker: Worker) -> int:
        return self._ok(worker, 201, "POST", "/users/", {"username": f"t{uuid.uuid4().hex[:20]}"})["id"]

    def follow(self, worker: Worker, follower: int, followee: int) -> None:
        self._ok(worker, 200, "POST", f"/users/{follower}/follow/{followee}")

    def unfollow(self, worker: Worker, follower: int, followee: int) -> None:
        self._ok(worker, 200, "DELETE", f"/users/{follower}/follow/{followee}")

    def post(self, worker: Worker, author: int, content: str = "hello") -> str:
        return self._ok(worker, 201, "POST", "/posts/", {"userId": author, "content": content})["postId"]

    def timeline(self, worker: Worker, user: int) -> list[str]:
        """Return the post ids of a timeline's first page of 100."""
        return [post["postId"] for post in self._ok(worker, 200, "GET", f"/timelines/{user}?limit=100")]

    def delete(self, worker: Worker, path: str) -> None:
        self._ok(worker, 204, "DELETE", path)

    def _ok(self, worker: Worker, status: int, method: str, path: str, body: Any = None) -> Any:
        answer = worker.call(method, path, body)
        assert answer.status == status, f"{method} {path}: {answer}\n{worker.tail()}"
        return answer.body


class Kafka:
    """Looks at the log from outside."""

    def __init__(self, url: str) -> None:
        parsed = URL(url)
        self.servers = f"{parsed.host}:{parsed.port}"

    def behind(self) -> dict[tuple[str, int], tuple[int, int]]:
        """Return committed and end offset of each source partition where they differ."""
        return asyncio.run(self._behind())

    async def _behind(self) -> dict[tuple[str, int], tuple[int, int]]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.servers)
        consumer = AIOKafkaConsumer(bootstrap_servers=self.servers)
        await admin.start()
        await consumer.start()
        try:
            committed = await admin.list_consumer_group_offsets(GROUP)
            ends = await consumer.end_offsets(await self._partitions(consumer, SOURCES))
        finally:
            await consumer.stop()
            await admin.close()
        found = {tp: (committed[tp].offset if tp in committed else 0, end) for tp, end in ends.items()}
        return {(tp.topic, tp.partition): pair for tp, pair in found.items() if pair[0] != pair[1]}

    @staticmethod
    async def _partitions(consumer: AIOKafkaConsumer, names: list[str]) -> list[Any]:
        await consumer._client.set_topics(names)
        return [TopicPartition(name, number) for name in names for number in consumer.partitions_for_topic(name)]

    def publish(self, topic: str, key: bytes | None, value: bytes | None, partition: int | None = None) -> Any:
        """Publish a record as somebody else; return where it is."""
        return asyncio.run(self._publish(topic, key, value, partition))

    async def _publish(self, topic: str, key: bytes | None, value: bytes | None, partition: int | None) -> Any:
        producer = AIOKafkaProducer(bootstrap_servers=self.servers)
        await producer.start()
        try:
            return await producer.send_and_wait(topic, value=value, key=key, partition=partition)
        finally:
            await producer.stop()

    def publish_all(self, topic: str, events: Sequence[Event]) -> None:
        """Publish events as a worker does, many at a time."""
        asyncio.run(self._publish_all(topic, events))

    async def _publish_all(self, topic: str, events: Sequence[Event]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.servers, acks="all")
        await producer.start()
        try:
            await asyncio.gather(*[await producer.send(topic, event.encode(), key=event.key) for event in events])
        finally:
            await producer.stop()

    def remove(self, topic: str) -> None:
        """Delete a topic."""
        asyncio.run(self._remove(topic))

    async def _remove(self, topic: str) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.servers)
        await admin.start()
        try:
            await admin.delete_topics([topic])
        finally:
            await admin.close()

    def read(self, topic: str) -> list[Any]:
        """Return all records of a topic."""
        return asyncio.run(self._read(topic))

    async def _read(self, topic: str) -> list[Any]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.servers)
        await consumer.start()
        try:
            partitions = await self._partitions(consumer, [topic])
            ends = await consumer.end_offsets(partitions)
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            records: list[Any] = []
            while len(records) < sum(ends.values()):
                for batch in (await consumer.getmany(timeout_ms=1_000)).values():
                    records += batch
            return records
        finally:
            await consumer.stop()


@pytest.fixture(scope="session")
def migrate(stack) -> Callable[[], None]:
    """Makes tables, keyspace and topics."""

    def run() -> None:
        command = [sys.executable, "-m", "faust", "-A", "microblog_streams", "migrate"]
        done = subprocess.run(command, cwd=ROOT, env=stack.environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


@pytest.fixture(scope="session")
def migrated(stack, migrate) -> Any:
    """The stack with tables, keyspace and topics."""
    migrate()
    return stack


@pytest.fixture(scope="session")
def kafka(migrated) -> Kafka:
    return Kafka(migrated.environment[f"{PREFIX}KAFKA_URL"])


@pytest.fixture(scope="session")
def people() -> People:
    return People()


def _make_workers(stack: Any) -> Iterator[Callable[..., Worker]]:
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
    yield from _make_workers(migrated)


@pytest.fixture(scope="module")
def module_workers(migrated) -> Iterator[Callable[..., Worker]]:
    """The same, for a whole module."""
    yield from _make_workers(migrated)


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    """Waits until a condition holds; shows the workers' logs where it does not."""

    def wait(condition: Callable[[], Any], *shown: Worker, seconds: float = DEADLINE) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                logs = "\n".join(f"--- {worker.name}\n{worker.tail()}" for worker in shown)
                pytest.fail(f"not within {seconds:g} s\n{logs}")
            time.sleep(0.1)

    return wait


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")
