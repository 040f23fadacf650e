"""Mend: look-ups in the followers table go to the wrong worker (faust-streaming 0.15.3).

Faust's router hashes the whole key of a row, while a row lives in the partition of the event that wrote it: that of the
author's 8 bytes, the first half of the key. It also asks the group's assignor, which only members of the group know,
and whose addresses outlive a dead worker until its session ends. Here the partition comes from the author, and the
owner from what the workers announce.
"""

import struct
from typing import TYPE_CHECKING, Any, cast

from aiohttp import ClientError
from aiokafka.partitioner import DefaultPartitioner
from faust.app.router import Router
from faust.types.assignor import HostToPartitionMap
from faust.types.core import K
from faust.types.web import Request, Response, Web
from faust.web.exceptions import NotFound, ServiceUnavailable
from yarl import URL

from microblog_streams.ids import USER_BYTES

if TYPE_CHECKING:
    from microblog_streams.application import MicroblogApp


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
        owner = self._microblog.presence.owner(partition_of(raw[:USER_BYTES], self.app.conf.topic_partitions))
        if owner is None:
            raise KeyError(key)
        return URL(owner.url)

    def table_metadata(self, table_name: str) -> HostToPartitionMap:
        """Return which worker has which partitions of a table."""
        topic = self._get_table_topic(self._get_table(table_name))
        return {url: topics for url, topics in self.tables_metadata().items() if topic in topics}

    def tables_metadata(self) -> HostToPartitionMap:
        """Return which worker has which partitions, by changelog topic."""
        topic = self._microblog.changelog_name()
        return {worker.url: {topic: list(worker.partitions)} for worker in self._microblog.presence.mates()}

    async def _route_req(self, dest_url: URL, web: Web, request: Request) -> Response:
        try:
            return await super()._route_req(dest_url, web, request)
        except ClientError:
            raise ServiceUnavailable() from None


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key, as the producer chooses it."""
    everything: list[Any] = list(range(partitions))
    return int(DefaultPartitioner()(key, everything, everything))
