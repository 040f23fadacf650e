"""Three Kafka brokers as local processes, each a controller too (KRaft); two of three replicas must be in sync."""

import asyncio
import struct
import uuid
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, ClassVar

from aiokafka.admin import AIOKafkaAdminClient

from microblog_streams.config.settings import PREFIX
from microblog_streams.local.files import write_atomic
from microblog_streams.local.kafka import Kafka
from microblog_streams.local.ports import HOST
from microblog_streams.local.process import Children
from microblog_streams.local.stack import Stack

#: Of a property that is set twice the last value counts: these replace the lone broker's.
SETTINGS = {
    "min.insync.replicas": "2",
    "default.replication.factor": "3",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
}
#: A DescribeQuorum request, version 0, for the log of the metadata: its leader is the active controller.
_LOG = b"__cluster_metadata"
_QUORUM = struct.pack(">hhih9sx", 55, 0, 1, 9, b"microblog") + bytes([2, len(_LOG) + 1]) + _LOG + bytes([2, *[0] * 7])
#: Offset of the leader's id in the answer: all fields before it have a fixed length.
_LEADER_AT = 38
#: Held while the cluster's id is made: brokers are prepared in threads.
_CLUSTER_ID = Lock()


class First(Kafka):
    """One of the three; the others differ by name, number and ports."""

    number: ClassVar[int] = 1

    def prepare(self, children: Children) -> None:
        """Write the configuration."""
        super().prepare(children)
        self._add_to_configuration()

    def _format(self, children: Children) -> None:
        self._add_to_configuration()
        arguments = ["format", "-t", self._cluster(), "-c", str(self._properties)]
        self.run_tool(children, [*self._java(), "kafka.tools.StorageTool", *arguments])

    def _add_to_configuration(self) -> None:
        own = self.place.ports[self.port_names[1]]
        voters = (f"{kind.number}@{HOST}:{self.place.ports[kind.port_names[1]]}" for kind in BROKERS)
        settings = {
            "node.id": str(self.number),
            "controller.quorum.voters": ",".join(voters),
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{own}",
            **SETTINGS,
        }
        with self._properties.open("a") as file:
            file.writelines(f"\n{name}={value}" for name, value in settings.items())

    def _cluster(self) -> str:
        """Return the id that all three are formatted with; the first call makes it."""
        file = self.place.data_dir / "kafka.cluster"
        with _CLUSTER_ID:
            if not file.exists():
                # One id of so many begins with a dash, which the tool takes for an option.
                write_atomic(file, "m" + urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:])
            return file.read_text()


class Second(First):
    """The second."""

    name = "kafka-2"
    port_names = ("kafka-2", "kafka-2-controller")
    number = 2


class Third(First):
    """The third."""

    name = "kafka-3"
    port_names = ("kafka-3", "kafka-3-controller")
    number = 3


BROKERS: Sequence[type[First]] = (First, Second, Third)


@dataclass(frozen=True)
class KafkaCluster:
    """The brokers of a stack, as seen from outside."""

    stack: Stack

    @property
    def brokers(self) -> list[First]:
        """All of them, running or not."""
        return [part for part in self.stack.parts.values() if isinstance(part, First)]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of workers on these brokers and on one Cassandra node, which has one replica."""
        places = ",".join(f"{HOST}:{broker.port}" for broker in self.brokers)
        copies = {f"{PREFIX}REPLICATION_FACTOR": "3", f"{PREFIX}CASSANDRA_CONSISTENCY": "ONE"}
        return {f"{PREFIX}KAFKA_URL": f"kafka://{places}", **copies}

    def leader(self, topic: str) -> First:
        """Return the broker that leads most of a topic's partitions."""
        (described,) = self._describe([topic])
        ((number, _),) = Counter(part["leader"] for part in described["partitions"]).most_common(1)
        return self._numbered(number)

    def controller(self) -> First:
        """Return the active controller. Raises OSError where no broker can tell."""
        for broker in self.brokers:
            if broker.child and broker.child.exit_status() is None:
                answer = broker.ask(struct.pack(">i", len(_QUORUM)) + _QUORUM, at_least=_LEADER_AT + 4)
                return self._numbered(struct.unpack_from(">i", answer, _LEADER_AT)[0])
        raise ConnectionError("no broker runs")

    def in_sync(self) -> bool:
        """Return whether all copies of all partitions are in sync."""
        described = self._describe(None)
        return all(sorted(part["isr"]) == sorted(part["replicas"]) for one in described for part in one["partitions"])

    def _describe(self, topics: list[str] | None) -> list[Any]:
        return asyncio.run(self._described(topics))

    async def _described(self, topics: list[str] | None) -> list[Any]:
        admin = AIOKafkaAdminClient(bootstrap_servers=[f"{HOST}:{broker.port}" for broker in self.brokers])
        await admin.start()
        try:
            return await admin.describe_topics(topics)
        finally:
            await admin.close()

    def _numbered(self, number: int) -> First:
        (broker,) = (broker for broker in self.brokers if broker.number == number)
        return broker
