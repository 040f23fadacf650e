"""A client of Redis Cluster: redis-py's, that follows redirections on one connection and retries nothing.

Four things are other than in redis-py 8.1. What a server sends on is asked anew there, since deadlines are in that
server's own time. ASKING goes ahead of its command on the same connection; redis-py takes one of its pool for each,
and with several the other server never learns of it. A server with no slots yet can be sent on to. And a failure only
makes the next call look again who has which slot: redis-py closes all connections, also those that work.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from redis import exceptions
from redis.asyncio.cluster import ClusterNode, PipelineCommand, RedisCluster
from redis.cluster import PRIMARY
from redis.crc import key_slot

from microblog_streams.stores.redis.server import Answer, Command, Server, ServerCall

#: How often a question is sent on before it is given up: a slot that moves twice meanwhile is no cluster to wait for.
MAX_REDIRECTIONS: Final = 5


class Cluster(RedisCluster):
    """Up to ``calls`` calls at a time; who makes one more waits, as for a pool's connections."""

    def __init__(self, calls: int, **options: Any) -> None:  # noqa: ANN401 -- redis-py's own options
        """Take redis-py's options; open nothing."""
        # A call may use several connections of a server. More of them than calls are never open for long.
        super().__init__(max_connections=4 * calls, **options)
        self._room = asyncio.Semaphore(calls)
        self._doubted = False

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Give room for one call, that knows who has which slot. Raises what the last server raised that was asked."""
        async with self._room:
            if self._initialize or self._doubted:
                await self._look()
            yield

    async def aclose(self) -> None:
        """Close all connections, also those whose server does not say good-bye."""
        self._initialize = True
        nodes = [*self.nodes_manager.nodes_cache.values(), *self.nodes_manager.startup_nodes.values()]
        await asyncio.gather(*(node.disconnect() for node in nodes), return_exceptions=True)

    def doubt(self) -> None:
        """Ask again who has which slot, before the next call."""
        self._doubted = True

    def holder(self, key: bytes) -> ClusterNode:
        """Return the primary that has a key's slot, as far as is known."""
        return self.nodes_manager.get_node_from_slot(key_slot(key))

    def primaries(self) -> list[Server]:
        """Return the primaries, as far as is known."""
        return [_direct(node) for node in self.get_primaries()]

    async def run_on(self, key: bytes, call: ServerCall[Answer]) -> Answer:
        """Put a question to the server that has the key. TryAgainError: not all keys of a call are there."""
        return await self._follow(_direct(self.holder(key)), call)

    async def _look(self) -> None:
        try:
            if self._initialize:
                await self.initialize()
            else:
                await self.nodes_manager.initialize()
        except exceptions.RedisClusterException as error:
            raise _reason(error) from None
        self._doubted = False

    async def _follow(self, server: Server, call: ServerCall[Answer]) -> Answer:
        for _ in range(MAX_REDIRECTIONS):
            try:
                return await call(server)
            except exceptions.MovedError as error:
                await self.nodes_manager.move_slot(error)
                server = _direct(self.nodes_manager.get_node_from_slot(error.slot_id))
            except exceptions.AskError as error:
                server = self._asking(error)
        raise exceptions.ClusterDownError("the servers do not agree on who has a slot")

    async def _execute_command(self, target_node: ClusterNode, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Send a command of redis-py's own methods, which know by themselves whom to ask first."""
        return await self._follow(_direct(target_node), lambda server: server.execute(*args, **kwargs))

    def _asking(self, error: exceptions.AskError) -> Server:
        """Return the server that is taking a slot over, and that answers for it only where it is told ASKING."""
        node = self.get_node(host=error.host, port=error.port)
        if node is None:
            node = ClusterNode(error.host, error.port, PRIMARY, **self.connection_kwargs)
            self.nodes_manager.set_nodes(self.nodes_manager.nodes_cache, {node.name: node})
        return Server(node.name, partial(_ask_mover, node), partial(_ask_mover_together, node))


def _direct(node: ClusterNode) -> Server:
    return Server(node.name, node.execute_command, partial(_together, node))


async def _together(node: ClusterNode, commands: Sequence[Command]) -> list[Any]:
    return await _send(node, [PipelineCommand(number, *command) for number, command in enumerate(commands)])


async def _ask_mover_together(node: ClusterNode, commands: Sequence[Command]) -> list[Any]:
    return (await _together(node, [each for command in commands for each in (("ASKING",), command)]))[1::2]


async def _ask_mover(node: ClusterNode, *command: Any, **options: Any) -> Any:  # noqa: ANN401 -- as redis-py's
    _, answer = await _send(node, [PipelineCommand(0, "ASKING"), PipelineCommand(1, *command, **options)])
    if isinstance(answer, Exception):
        raise answer
    return answer


async def _send(node: ClusterNode, commands: list[PipelineCommand]) -> list[Any]:
    await node.execute_pipeline(commands)
    return [command.result for command in commands]


def _reason(error: BaseException) -> BaseException:
    """Return what redis-py's "cannot be connected" hides: what a server said, or that it could not be reached."""
    cause = error
    while isinstance(cause, exceptions.RedisClusterException):
        deeper = cause.__cause__ or cause.__context__
        if deeper is None:
            return exceptions.ClusterDownError(str(cause))
        cause = deeper
    return cause
