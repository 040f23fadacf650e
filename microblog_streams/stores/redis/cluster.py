"""A Redis Cluster client that runs calls on one node, reruns them after MOVED or ASK, and retries nothing else.

It differs from redis-py 8.1 in five points. A redirected call is rerun as a whole, since its deadlines are in the
node's own time. ASKING and its command share a connection; redis-py takes one from the pool for each, so that the node
may never see them together. A redirection may lead to a node that has no slots yet. And after a failure the next call
reads the slot table again; redis-py closes all connections, working ones too. The servers that the URL names are asked
for it also after they have left the table.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from redis import exceptions
from redis.asyncio.cluster import ClusterNode, PipelineCommand, RedisCluster
from redis.cluster import PRIMARY
from redis.crc import key_slot

from microblog_streams.stores.redis.server import Answer, Command, Server, ServerCall

#: Redirections of one call. A slot moves at most once during a call in a healthy cluster.
MAX_REDIRECTIONS: Final = 5


class Cluster(RedisCluster):
    """Up to ``calls`` concurrent calls; further ones wait, as for a connection of a pool."""

    def __init__(self, calls: int, **options: Any) -> None:  # noqa: ANN401 -- redis-py's own options
        """Take redis-py's options; open nothing."""
        # A call may use several connections of a server.
        super().__init__(max_connections=4 * calls, **options)
        self._permits = asyncio.Semaphore(calls)
        self._is_stale = False
        #: The servers that the URL names, and whether the slot table could not be read the last time.
        self._named = dict(self.nodes_manager.startup_nodes)
        self._is_lost = False
        #: Called with the key of a call that goes to the server which is importing the key's slot.
        self.on_asking: list[Callable[[bytes], None]] = []

    @asynccontextmanager
    async def permit(self) -> AsyncIterator[None]:
        """Wait until another call may start and the slot table is valid. Raises the error of the last node tried."""
        async with self._permits:
            if self._initialize or self._is_stale:
                await self._refresh()
            yield

    async def aclose(self) -> None:
        """Close all connections, without waiting for the servers."""
        self._initialize = True
        nodes = [*self.nodes_manager.nodes_cache.values(), *self.nodes_manager.startup_nodes.values()]
        await asyncio.gather(*(node.disconnect() for node in nodes), return_exceptions=True)

    def mark_stale(self) -> None:
        """Read the slot table again before the next call."""
        self._is_stale = True

    def holder(self, key: bytes) -> ClusterNode:
        """Return the primary of a key's slot, by the slot table."""
        return self.nodes_manager.get_node_from_slot(key_slot(key))

    def primaries(self) -> list[Server]:
        """Return the primaries in the slot table."""
        return [_direct(node) for node in self.get_primaries()]

    async def run_on(self, key: bytes, call: ServerCall[Answer]) -> Answer:
        """Run a call on the node that has the key. Raises TryAgainError if the call's keys lie on two nodes."""
        return await self._follow(_direct(self.holder(key)), call, key)

    async def _refresh(self) -> None:
        """Read the slot table; after a failure from the servers of the URL, too.

        redis-py asks those that the last table has, and none else. They may all have other addresses by now.
        """
        if self._is_lost:
            self.nodes_manager.startup_nodes.update(self._named)
        self._is_lost = True
        try:
            if self._initialize:
                await self.initialize()
            else:
                await self.nodes_manager.initialize()
        except exceptions.RedisClusterException as error:
            raise _reason(error) from None
        self._is_stale = self._is_lost = False

    async def _follow(self, server: Server, call: ServerCall[Answer], key: bytes = b"") -> Answer:
        for _ in range(MAX_REDIRECTIONS):
            try:
                return await call(server)
            except exceptions.MovedError as error:
                await self.nodes_manager.move_slot(error)
                server = _direct(self.nodes_manager.get_node_from_slot(error.slot_id))
            except exceptions.AskError as error:
                for callback in self.on_asking if key else ():
                    callback(key)
                server = self._asking(error)
        raise exceptions.ClusterDownError("the servers do not agree on the owner of a slot")

    async def _execute_command(self, target_node: ClusterNode, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Run a command of redis-py's own methods, which choose the first node themselves."""
        return await self._follow(_direct(target_node), lambda server: server.execute(*args, **kwargs))

    def _asking(self, error: exceptions.AskError) -> Server:
        """Return the node that is importing a slot; it answers for that slot only after ASKING."""
        node = self.get_node(host=error.host, port=error.port)
        if node is None:
            node = ClusterNode(error.host, error.port, PRIMARY, **self.connection_kwargs)
            self.nodes_manager.set_nodes(self.nodes_manager.nodes_cache, {node.name: node})
        return Server(node.name, partial(_ask_importer, node), partial(_ask_importer_together, node))


def _direct(node: ClusterNode) -> Server:
    return Server(node.name, node.execute_command, partial(_together, node))


async def _together(node: ClusterNode, commands: Sequence[Command]) -> list[Any]:
    return await _send(node, [PipelineCommand(number, *command) for number, command in enumerate(commands)])


async def _ask_importer_together(node: ClusterNode, commands: Sequence[Command]) -> list[Any]:
    return (await _together(node, [each for command in commands for each in (("ASKING",), command)]))[1::2]


async def _ask_importer(node: ClusterNode, *command: Any, **options: Any) -> Any:  # noqa: ANN401 -- as redis-py's
    _, answer = await _send(node, [PipelineCommand(0, "ASKING"), PipelineCommand(1, *command, **options)])
    if isinstance(answer, Exception):
        raise answer
    return answer


async def _send(node: ClusterNode, commands: list[PipelineCommand]) -> list[Any]:
    await node.execute_pipeline(commands)
    return [command.result for command in commands]


def _reason(error: BaseException) -> BaseException:
    """Return the cause behind redis-py's "cannot be connected": a server's reply, or a connection error."""
    cause = error
    while isinstance(cause, exceptions.RedisClusterException):
        deeper = cause.__cause__ or cause.__context__
        if deeper is None:
            return exceptions.ClusterDownError(str(cause))
        cause = deeper
    return cause
