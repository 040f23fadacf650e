"""A slot of a Redis Cluster on its way from one server to another, as an operator's resharding moves it."""

from contextlib import ExitStack

from redis import Redis as Client

from tests.support.servers.redis_cluster import PASSWORD, Node, RunningCluster, id_of

#: Milliseconds that a key may take.
TIMEOUT_MS = 5_000


class MovingSlot:
    """From ``begin`` to ``end`` the keys may lie on both servers."""

    def __init__(self, cluster: RunningCluster, slot: int) -> None:
        self._cluster, self._slot = cluster, slot
        self.source = cluster.primary_of(slot)
        self.target = next(node for node in cluster.current_primaries() if node is not self.source)

    def begin(self) -> None:
        with self._clients(self.target, self.source) as [target, source]:
            target.execute_command("CLUSTER SETSLOT", self._slot, "IMPORTING", id_of(self.source))
            source.execute_command("CLUSTER SETSLOT", self._slot, "MIGRATING", id_of(self.target))

    def carry(self, most: int) -> int:
        """Move up to so many keys; return how many there were."""
        with self._clients(self.source) as [source]:
            keys = source.execute_command("CLUSTER GETKEYSINSLOT", self._slot, most)
            if keys:
                place = "127.0.0.1", self.target.port, "", 0, TIMEOUT_MS
                source.execute_command("MIGRATE", *place, "AUTH", PASSWORD, "KEYS", *keys)
        return len(keys)

    def end(self) -> None:
        """Move what is left, and tell all primaries."""
        while self.carry(100):
            pass
        others = [node for node in self._cluster.current_primaries() if node not in (self.source, self.target)]
        with self._clients(self.target, self.source, *others) as clients:
            for client in clients:
                client.execute_command("CLUSTER SETSLOT", self._slot, "NODE", id_of(self.target))

    def move(self) -> None:
        self.begin()
        self.end()

    def _clients(self, *nodes: Node) -> "_Clients":
        return _Clients(nodes)


class _Clients(ExitStack):
    def __init__(self, nodes: tuple[Node, ...]) -> None:
        super().__init__()
        self._nodes = nodes

    def __enter__(self) -> list[Client]:
        super().__enter__()
        return [self.enter_context(node.client()) for node in self._nodes]
