"""Mend: look-ups in the followers table go to the wrong worker (faust-streaming 0.15.3).

Faust's router hashes the whole key of a row, while a row lives in the partition of the event that wrote it: that of the
author's 8 bytes, the first half of the key. It also asks the group's assignor, which only members of the group know,
and whose addresses outlive a dead worker until its session ends. Here the partition comes from the author, and the
owner from what the workers announce. Upstream: issue 514 (open) shows the wrong worker; 187 (closed) is another cause.

In the second around a rebalance what was announced is not what is. So a worker knows for itself what it has, and says
503, not 404, of a row that it has not got yet; and what one worker sent to another is not sent any further, or two that
take each other for the owner would send it back and forth.
"""

import struct
from typing import TYPE_CHECKING, Any, Final, cast

from aiohttp import ClientError
from aiokafka.partitioner import DefaultPartitioner
from faust.app.router import Router
from faust.exceptions import SameNode
from faust.types.assignor import HostToPartitionMap
from faust.types.core import K
from faust.types.web import Request, Response, Web
from faust.web.exceptions import NotFound, ServiceUnavailable
from yarl import URL

from microblog_streams.ids import USER_BYTES
from microblog_streams.stores.roster import Worker

if TYPE_CHECKING:
    from microblog_streams.application import MicroblogApp


#: Marks a request that another worker sent on.
ROUTED: Final = "X-Microblog-Routed"


class EdgeRouter(Router):
    """Finds the worker that has a row (setting ``Router``)."""

    @property
    def _microblog(self) -> "MicroblogApp":
        return cast("MicroblogApp", self.app)

    def key_store(self, table_name: str, key: K) -> URL:
        """Return the URL of the worker that has the row. Raises KeyError where nobody does, NotFound for a bad key."""
        serializer = cast(Any, self._get_table(table_name)).key_serializer
        try:
            raw = self.app.serializers.dumps_key(None, key, serializer=serializer) or b""
        except (ValueError, struct.error):
            raise NotFound() from None
        return URL(self._owner(partition_of(raw[:USER_BYTES], self.app.conf.topic_partitions)).url)

    def _owner(self, partition: int) -> Worker:
        app = self._microblog
        itself = app.itself()
        if partition in itself.partitions and app.tables.actives_ready:
            return itself
        owner = app.presence.owner(partition)
        if owner is None or owner.name == itself.name:
            raise KeyError(partition)
        return owner

    def table_metadata(self, table_name: str) -> HostToPartitionMap:
        """Return which worker has which partitions of a table."""
        topic = self._get_table_topic(self._get_table(table_name))
        return {url: topics for url, topics in self.tables_metadata().items() if topic in topics}

    def tables_metadata(self) -> HostToPartitionMap:
        """Return which worker has which partitions, by changelog topic."""
        topic = self._microblog.changelog_name()
        return {worker.url: {topic: list(worker.partitions)} for worker in self._microblog.presence.mates()}

    async def _route_req(self, dest_url: URL, web: Web, request: Request) -> Response:
        if dest_url == URL(self._microblog.itself().url):
            raise SameNode()
        if ROUTED in request.headers:
            raise ServiceUnavailable()
        return await self._ask(dest_url, web, request)

    async def _ask(self, worker: URL, web: Web, request: Request) -> Response:
        url = request.url.with_host(worker.host or "").with_port(worker.port)
        headers = {**request.headers, ROUTED: "1"}
        try:
            async with self.app.http_client.request(request.method, url, headers=headers) as answer:
                return web.text(await answer.text(), content_type=answer.content_type, status=answer.status)
        except ClientError:
            raise ServiceUnavailable() from None


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key, as the producer chooses it."""
    everything: list[Any] = list(range(partitions))
    return int(DefaultPartitioner()(key, everything, everything))
