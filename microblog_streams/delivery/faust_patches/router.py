"""Fix: look-ups in the followers table go to the wrong worker (faust-streaming 0.15.3).

Faust's router hashes the whole key of a row, while a row lives in the partition of the event that wrote it: that of the
author's 8 bytes, the first half of the key. It also asks the group's assignor, which only members of the group have,
and whose addresses outlive a dead worker until its session ends. Here the partition comes from the author, and the
owner from what the workers announce. Upstream: issue 514 (open) shows the wrong worker; 187 (closed) has another cause.

Around a rebalance the announcements lag by up to a second. So a worker uses its own assignment for itself, and answers
503, not 404, for a row that it has not recovered yet. A request that was forwarded once is not forwarded again: two
workers that take each other for the owner would send it back and forth.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, cast

from aiohttp.web import Response as HttpResponse
from aiokafka.partitioner import DefaultPartitioner
from faust.app.router import Router
from faust.exceptions import SameNode
from faust.types.assignor import HostToPartitionMap
from faust.types.core import K
from faust.types.web import Request, Response, Web
from faust.web.exceptions import NotFound
from yarl import URL

from microblog_streams.domain.errors import WorkerUnavailable
from microblog_streams.domain.ids import USER_BYTES
from microblog_streams.stores.redis.worker_registry import Worker

#: Header of a request that another worker forwarded.
ROUTED: Final = "X-Microblog-Routed"
#: Headers of the request that are forwarded, and of the answer that are returned.
FORWARDED_HEADERS: Final = ("Accept", "Authorization")
RETURNED_HEADERS: Final = ("Content-Type", "Link", "Allow", "Retry-After")


class Answer(Protocol):
    """What another worker answered."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers."""
        ...

    @property
    def body(self) -> bytes:
        """The whole body."""
        ...


class WorkerClient(Protocol):
    """Sends a request to another worker."""

    async def ask(self, url: str, headers: Mapping[str, str], method: str) -> Answer:
        """Return the answer, whatever its status. Raises WorkerUnavailable."""
        ...


class Presence(Protocol):
    """What the workers of this topic set announced last."""

    def owner(self, partition: int) -> Worker | None:
        """Return the worker that has a partition, None where no worker says so."""
        ...

    def mates(self) -> Sequence[Worker]:
        """Return the workers of this worker's topic set, itself among them."""
        ...


class Application(Protocol):
    """What the router needs of the application besides Faust's own."""

    @property
    def worker_presence(self) -> Presence:
        """What the workers announced last."""
        ...

    @property
    def worker_client(self) -> WorkerClient:
        """The client for other workers."""
        ...

    def itself(self) -> Worker:
        """Return what this worker announces."""
        ...

    def changelog_name(self) -> str:
        """Return the name of the followers table's changelog topic in Kafka."""
        ...


class EdgeRouter(Router):
    """Finds the worker that has a row (setting ``Router``), and forwards the request to it."""

    @property
    def _microblog(self) -> Application:
        return cast(Application, self.app)

    def key_store(self, table_name: str, key: K) -> URL:
        """Return the URL of the worker that has the row. Raises WorkerUnavailable, and NotFound for a bad key."""
        serializer = cast(Any, self._get_table(table_name)).key_serializer
        try:
            raw = self.app.serializers.dumps_key(None, key, serializer=serializer) or b""
        except (ValueError, struct.error):
            raise NotFound() from None
        return URL(self._owner(partition_of(raw[:USER_BYTES], self.app.conf.topic_partitions)).url)

    def _owner(self, partition: int) -> Worker:
        app = self._microblog
        itself = app.itself()
        if partition in itself.partitions and self.app.tables.actives_ready:
            return itself
        owner = app.worker_presence.owner(partition)
        if owner is None or owner.name == itself.name:
            raise WorkerUnavailable(f"No worker has partition {partition} at the moment. Try again.")
        return owner

    def table_metadata(self, table_name: str) -> HostToPartitionMap:
        """Return which worker has which partitions of a table."""
        topic = self._get_table_topic(self._get_table(table_name))
        return {url: topics for url, topics in self.tables_metadata().items() if topic in topics}

    def tables_metadata(self) -> HostToPartitionMap:
        """Return which worker has which partitions, by changelog topic."""
        topic = self._microblog.changelog_name()
        return {worker.url: {topic: list(worker.partitions)} for worker in self._microblog.worker_presence.mates()}

    async def _route_req(self, dest_url: URL, web: Web, request: Request) -> Response:
        if dest_url == URL(self._microblog.itself().url):
            raise SameNode()
        if ROUTED in request.headers:
            raise WorkerUnavailable("The row's partition is being handed over from worker to worker. Try again.")
        return await self._ask(dest_url, request)

    async def _ask(self, worker: URL, request: Request) -> Response:
        headers = {name: request.headers[name] for name in FORWARDED_HEADERS if name in request.headers}
        url = str(worker).rstrip("/") + str(cast(Any, request).rel_url)
        answer = await self._microblog.worker_client.ask(url, {**headers, ROUTED: "1"}, request.method)
        back = {name: answer.headers[name] for name in RETURNED_HEADERS if name in answer.headers}
        return cast(Response, HttpResponse(status=answer.status, body=answer.body, headers=back))


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key, as the producer chooses it."""
    everything: list[Any] = list(range(partitions))
    return int(DefaultPartitioner()(key, everything, everything))
