"""Several Cassandra nodes as local processes: each has a loopback address of its own, all have the same ports.

Nodes keep no hints for others: what one misses while it is away it lacks until it is repaired.
"""

import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, ProtocolVersion
from cassandra.policies import WhiteListRoundRobinPolicy

from microblog_streams.config.settings import PREFIX
from microblog_streams.local.cassandra import HEAP_MB, KEYSPACE, Cassandra
from microblog_streams.local.files import write_atomic
from microblog_streams.local.process import Children
from microblog_streams.local.stack import Stack
from microblog_streams.stores.cassandra.driver import ERRORS
from tests.support.servers.node_tool import jmx_option, node_tool

#: Where all tokens end: three nodes have a third of them each.
TOKENS = 2**63


class Node(Cassandra):
    """A node that knows of the others. Each can start alone, as each is a seed."""

    host: ClassVar[str]
    token: ClassVar[int]
    #: The addresses of all nodes.
    hosts: ClassVar[Sequence[str]]

    def prepare(self, children: Children) -> None:
        """Write the configuration."""
        super().prepare(children)
        config, storage = self.home / "cassandra.yaml", self.place.ports["cassandra-storage"]
        changes = {
            f'"127.0.0.1:{storage}"': f'"{",".join(f"{host}:{storage}" for host in self.hosts)}"',
            "listen_address: 127.0.0.1": f"listen_address: {self.host}",
            "rpc_address: 127.0.0.1": f"rpc_address: {self.host}",
            "initial_token: 0": f"initial_token: {self.token}",
            # This snitch has a node answer a read at ONE from its own copy; the simple one takes the ring's first.
            "endpoint_snitch: SimpleSnitch": "endpoint_snitch: GossipingPropertyFileSnitch\ndynamic_snitch: false",
        }
        text = config.read_text()
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        write_atomic(config, text)
        write_atomic(self._rackdc, "dc=datacenter1\nrack=rack1\n")

    def command(self) -> list[str]:
        """Return the command line: a smaller heap than a lone node's, and a JMX port where it has one."""
        # Without a delay, a node forgets another one that has not taken its place in the ring yet.
        changes = {f"-Xms{HEAP_MB}m": "-Xms256m", f"-Xmx{HEAP_MB}m": "-Xmx256m"}
        changes |= {"-Dcassandra.ring_delay_ms=0": "-Dcassandra.ring_delay_ms=10000"}
        command = super().command()
        assert changes.keys() <= set(command)
        *options, main = (changes.get(word, word) for word in command)
        own = f"-Dcassandra-rackdc.properties={self._rackdc.as_uri()}"
        managed = [jmx_option(self.place.ports[name]) for name in self.port_names[2:]]
        return [*options, own, *managed, main]

    def ask(self, request: bytes, at_least: int, timeout: float = 2.0) -> bytes:
        """Send bytes to the client port."""
        with socket.create_connection((self.host, self.port), timeout) as connection:
            connection.sendall(request)
            return connection.recv(4096)

    def repair(self, children: Children) -> None:
        """Have the node copy what it lacks, as ``nodetool repair -full`` does. Raises SetupError where that fails."""
        node_tool(self, children, self.place.ports[self.port_names[2]], "repair", KEYSPACE)

    @property
    def _rackdc(self) -> Path:
        return self.home / "rackdc.properties"


class First(Node):
    """One of three; the others differ by name, address, token and JMX port."""

    port_names = ("cassandra", "cassandra-storage", "cassandra-jmx")
    host, token = "127.0.0.1", -TOKENS
    hosts = ("127.0.0.1", "127.0.0.2", "127.0.0.3")


class Second(First):
    """The second."""

    name = "cassandra-2"
    port_names = ("cassandra", "cassandra-storage", "cassandra-2-jmx")
    host, token = "127.0.0.2", TOKENS * 2 // 3 - TOKENS


class Third(First):
    """The third."""

    name = "cassandra-3"
    port_names = ("cassandra", "cassandra-storage", "cassandra-3-jmx")
    host, token = "127.0.0.3", TOKENS * 4 // 3 - TOKENS


NODES: Sequence[type[First]] = (First, Second, Third)


@dataclass(frozen=True)
class ThreeNodes:
    """The nodes of a stack, as seen from outside."""

    stack: Stack

    @property
    def nodes(self) -> list[First]:
        """All of them, running or not."""
        return [part for part in self.stack.parts.values() if isinstance(part, First)]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of workers that use them."""
        places = f"{','.join(First.hosts)}:{self.nodes[0].port}"
        return {f"{PREFIX}CASSANDRA_URL": f"cassandra://{places}/{KEYSPACE}"}

    def together(self) -> bool:
        """Return whether each node sees all others as alive."""
        with suppress(*ERRORS):
            return all(len(self._rows(node, "SELECT peer FROM system.peers_v2")) == 2 for node in self.nodes)
        return False

    def have_three_copies(self) -> None:
        """Have the keyspace, in which nothing is yet, keep everything on all three."""
        copies = "{'class': 'NetworkTopologyStrategy', 'datacenter1': 3}"
        self._rows(self.nodes[0], f"ALTER KEYSPACE {KEYSPACE} WITH replication = {copies}")

    def posts_of(self, node: First) -> set[UUID]:
        """Return the ids of the posts in one node's own copy."""
        return {row.post_id for row in self._rows(node, f"SELECT post_id FROM {KEYSPACE}.posts_by_id")}

    def _rows(self, node: First, statement: str) -> list[Any]:
        profile = ExecutionProfile(
            load_balancing_policy=WhiteListRoundRobinPolicy([node.host]),
            consistency_level=ConsistencyLevel.ONE,
            request_timeout=20,
        )
        with Cluster(
            [node.host],
            port=node.port,
            protocol_version=ProtocolVersion.V5,
            execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        ) as cluster:
            return list(cluster.connect().execute(statement))
