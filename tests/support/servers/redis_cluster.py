"""A Redis Cluster of local processes: primaries that share the slots evenly, each with a replica where wanted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from pydantic import SecretStr
from redis import Redis as Client
from redis import RedisError

from microblog_streams.config.settings import Settings
from microblog_streams.local.files import write_atomic
from microblog_streams.local.process import Children
from microblog_streams.local.reaper import wait_until
from microblog_streams.local.stack import Stack
from microblog_streams.local.valkey import Valkey
from tests.support.servers.alone import serving
from tests.support.waiting import PATIENT_SECONDS

PASSWORD = "secret-of-the-cluster"
SLOTS = 16_384
#: Milliseconds without an answer after which the others take a server for gone. A server that stands still for so long
#: on a busy machine takes the others for gone as well, and refuses calls for a while.
NODE_TIMEOUT = 1_000
#: The same where no replica could take over.
PATIENT_NODE_TIMEOUT = 30_000
#: Seconds until the servers agree with each other.
TIMEOUT_SECONDS = 60


class Node(Valkey):
    """One server, that knows of no other yet."""

    port_names: ClassVar[Sequence[str]] = ("redis", "redis-bus")  # type: ignore[assignment]
    node_timeout: ClassVar[int] = NODE_TIMEOUT

    def prepare(self, children: Children) -> None:
        super().prepare(children)
        config = self.home / "valkey.conf"
        write_atomic(config, config.read_text() + self.more())

    def more(self) -> str:
        """What its configuration has besides."""
        return f"""\
cluster-enabled yes
cluster-port {self.bus}
cluster-node-timeout {self.node_timeout}
masterauth {PASSWORD}
repl-diskless-sync-delay 0
"""

    @property
    def bus(self) -> int:
        """The port on which the servers talk to each other."""
        return self.place.ports[self.port_names[1]]

    def client(self) -> Client:
        return Client(port=self.port, password=PASSWORD)

    def urls(self) -> Mapping[str, str]:
        """Return the way to the cluster, which any of its servers knows."""
        return {"MICROBLOG_REDIS_URL": f"redis+cluster://:{PASSWORD}@127.0.0.1:{self.port}"}

    def _password(self) -> str:
        return PASSWORD


class RunningCluster:
    """The servers: ``node-0`` and so on, the primaries first, then their replicas in the same order."""

    def __init__(self, stack: Stack, primaries: int) -> None:
        self.stack = stack
        self.nodes = [part for part in stack.parts.values() if isinstance(part, Node)]
        self.primaries, self.replicas = self.nodes[:primaries], self.nodes[primaries:]

    @property
    def url(self) -> str:
        places = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"redis+cluster://:{PASSWORD}@{places}"

    @property
    def settings(self) -> Settings:
        own = {"redis_url": SecretStr(self.url), "store_timeout": PATIENT_SECONDS}
        return self.stack.settings.model_copy(update=own)

    def form(self) -> None:
        """Make one cluster of the servers, and wait until all of them know it."""
        first, count = self.nodes[0], len(self.primaries)
        for number, node in enumerate(self.primaries):
            slots = SLOTS * number // count, SLOTS * (number + 1) // count - 1
            _tell(node, "CLUSTER ADDSLOTSRANGE", *slots)
        for number, node in enumerate(self.nodes):
            _tell(node, "CLUSTER SET-CONFIG-EPOCH", number + 1)
            if node is not first:
                _tell(node, "CLUSTER MEET", "127.0.0.1", first.port, first.bus)
        _agreed(lambda: all(_known(node) == len(self.nodes) for node in self.nodes))
        for replica, primary in zip(self.replicas, self.primaries, strict=False):
            _tell(replica, "CLUSTER REPLICATE", id_of(primary))
        _agreed(lambda: all(_is_well(node) for node in self.nodes))
        _agreed(lambda: all(_is_followed(node) for node in self.primaries[: len(self.replicas)]))

    def current_primaries(self) -> list[Node]:
        """Return the servers that have slots now, as the first one that answers says."""
        ports = {primary[1] for _, _, primary, *_ in self._slots()}
        return [node for node in self.nodes if node.port in ports]

    def primary_of(self, slot: int) -> Node:
        """Return the server that has a slot now."""
        port = next(primary[1] for first, last, primary, *_ in self._slots() if first <= slot <= last)
        return next(node for node in self.nodes if node.port == port)

    def keys_in(self, slot: int) -> int:
        """Return how many keys of a slot its server has."""
        return int(_tell(self.primary_of(slot), "CLUSTER COUNTKEYSINSLOT", slot))

    def whole(self) -> bool:
        """Return whether all servers run, and every primary has a replica that is up to date."""
        try:
            return all(_is_well(node) for node in self.nodes) and all(map(_is_followed, self.current_primaries()))
        except RedisError:
            return False

    def _slots(self) -> Any:
        for node in self.nodes:
            with suppress(RedisError):
                return _tell(node, "CLUSTER SLOTS")
        raise AssertionError("no server answers")


@contextmanager
def running_cluster(
    primaries: int = 3, *, replicas: bool = False, kind: type[Node] = Node, node_timeout: int | None = None
) -> Iterator[RunningCluster]:
    """Start the servers and make one cluster of them, for as long as the block lasts."""
    names = [f"node-{number}" for number in range(primaries * (2 if replicas else 1))]
    timeout = node_timeout or (NODE_TIMEOUT if replicas else PATIENT_NODE_TIMEOUT)
    kinds = [
        type("OneOfThem", (kind,), {"name": name, "port_names": (name, f"{name}-bus"), "node_timeout": timeout})
        for name in names
    ]
    with serving(*kinds) as stack:
        cluster = RunningCluster(stack, primaries)
        cluster.form()
        yield cluster


def id_of(node: Node) -> str:
    """Return the name that a server has in the cluster."""
    return str(_tell(node, "CLUSTER MYID").decode())


def _tell(node: Node, *command: object) -> Any:
    with node.client() as client:
        return client.execute_command(*command)


def _known(node: Node) -> int:
    return int(_tell(node, "CLUSTER INFO")["cluster_known_nodes"])


def _is_well(node: Node) -> bool:
    return str(_tell(node, "CLUSTER INFO")["cluster_state"]) == "ok"


def _is_followed(node: Node) -> bool:
    with node.client() as client:
        found: Any = client.info("replication")
    return bool(found.get("slave0", {}).get("state") == "online")


def _agreed(condition: Callable[[], bool]) -> None:
    assert wait_until(condition, TIMEOUT_SECONDS), "the servers do not agree"
