"""Kafka as one process: broker and controller (KRaft), kept small, on loopback.

Nothing creates topics by itself: ``migrate`` does, so that each has the partitions that co-partitioning needs.
"""

import struct
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence

from microblog_streams.local import java
from microblog_streams.local.class_archive import ClassArchive
from microblog_streams.local.files import lines, render, write_atomic
from microblog_streams.local.jars import jar_set
from microblog_streams.local.process import Children
from microblog_streams.local.server import LocalServer, ServerPaths

HEAP_MB = 256
#: What a lone broker needs wherever it runs: docker-compose.infra.yml says the same, and a test compares them.
SETTINGS = {
    "auto.create.topics.enable": "false",
    # One broker: one copy of everything.
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # The first worker gets its partitions at once.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # A broker that was killed is taken back once its old session has lapsed (9 s by default).
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "1000",
}
#: A Metadata request, version 1, for no topic: its answer lists the brokers that serve.
_METADATA = struct.pack(">hhih9si", 3, 1, 1, 9, b"microblog", 0)


class Kafka(LocalServer):
    """The log of events."""

    name = "kafka"
    port_names = ("kafka", "kafka-controller")

    def __init__(self, place: ServerPaths) -> None:
        """Find the recorded jars."""
        super().__init__(place)
        self.jars = jar_set("kafka", place.cache_dir)
        self.archive = ClassArchive(self.jars, java.java)
        self._properties = self.home / "server.properties"
        self._tmp = self.home / "tmp"  # until it is prepared

    def prepare(self, children: Children) -> None:
        """Write the configuration; format the storage on the first start."""
        self._tmp = java.scratch(self.home, self.place.cache_dir)
        text = render(
            "kafka.properties",
            port=self.port,
            controller_port=self.place.ports["kafka-controller"],
            settings=lines(SETTINGS, "="),
        )
        write_atomic(self._properties, text)
        write_atomic(self.home / "log4j2.xml", render("kafka-log4j2.xml"))
        if not (self.home / "data" / "meta.properties").exists():
            self._format(children)

    def command(self) -> Sequence[str]:
        """Return the broker's command line."""
        return [*self._java(), "kafka.Kafka", self._properties.name]

    def environment(self) -> dict[str, str]:
        """Return the environment with the class path, which keeps the command line readable."""
        assert self.jars
        return {**super().environment(), "CLASSPATH": self.jars.class_path}

    def answers(self) -> bool:
        """Return whether the broker is registered and lists itself."""
        answer = self.ask(struct.pack(">i", len(_METADATA)) + _METADATA, at_least=12)
        (brokers,) = struct.unpack_from(">i", answer, 8)
        return bool(brokers > 0)

    def urls(self) -> Mapping[str, str]:
        """Return Kafka's URL."""
        return {"MICROBLOG_KAFKA_URL": f"kafka://127.0.0.1:{self.port}"}

    def _java(self) -> list[str]:
        return [
            str(java.java()),
            *java.flags(HEAP_MB, self._tmp, self.place.tuning, self.archive),
            "-Dlog4j2.configurationFile=log4j2.xml",
        ]

    def _format(self, children: Children) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # One id of so many begins with a dash, which the tool takes for an option.
        arguments = ["format", "-t", f"m{cluster[1:]}", "-c", self._properties.name]
        self.run_tool(children, [*self._java(), "kafka.tools.StorageTool", *arguments])
