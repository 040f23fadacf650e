"""Cassandra as one node on loopback, kept small; it syncs every write before it acknowledges it.

``commitlog_sync: batch``, because ``periodic`` lost acknowledged posts in a kill -9. The keyspace is made by
``migrate``.
"""

from collections.abc import Mapping, Sequence

from microblog_streams.local import java
from microblog_streams.local.class_archive import ClassArchive
from microblog_streams.local.files import lines, render, utf8, write_atomic, yaml_string
from microblog_streams.local.jars import jar_set
from microblog_streams.local.process import Children
from microblog_streams.local.server import LocalServer, ServerPaths

HEAP_MB = 384
KEYSPACE = "microblog"
#: What a lone node needs wherever it runs: docker-compose.infra.yml says the same, and a test compares them.
SETTINGS = {
    # Synced before it is acknowledged.
    "commitlog_sync": "batch",
    "disk_failure_policy": "die",
    "commit_failure_policy": "die",
    # No copy of what was dropped, and no hints: there is no other node.
    "auto_snapshot": "false",
    "hinted_handoff_enabled": "false",
    "storage_compatibility_mode": "NONE",
    "sstable.selected_format": "bti",
}

#: Cassandra's own list (its conf/jvm17-server.options): it reaches into these parts of the JDK.
_EXPORTS = (
    "java.base/jdk.internal.misc",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.sql/java.sql",
    "java.base/java.lang.ref",
    "jdk.unsupported/sun.misc",
)
_OPENS = (
    *(f"java.base/jdk.internal.{part}" for part in ("loader", "ref", "reflect", "math", "module", "util.jar")),
    *(f"java.base/java.{part}" for part in ("lang.module", "io", "lang.reflect", "lang", "util", "nio")),
    "java.base/sun.nio.ch",
    "jdk.management/com.sun.management.internal",
)
#: Waits that serve a cluster's nodes, and keep a lone node from its work.
_NO_WAITS = (
    "-Dcassandra.skip_wait_for_gossip_to_settle=0",
    "-Dcassandra.ring_delay_ms=0",
    "-Dcassandra.superuser_setup_delay_ms=0",
    "-Dcassandra.shutdown_announce_in_ms=0",
    "-Dcassandra.skip_schema_check=true",
)
#: It estimates a row's overhead in memory from so many rows (100,000 by default): a third of its start's computing.
_QUICK_ESTIMATE = "-Dcassandra.memtable_row_overhead_computation_step=1000"
#: Its folders that cassandra.yaml names, with their whole paths.
_FOLDERS = ("data", "commitlog", "saved_caches", "hints", "cdc_raw")
#: OPTIONS, protocol version 4; opcode 6 (SUPPORTED) answers it.
_OPTIONS = bytes.fromhex("040000000500000000")
_SUPPORTED = 6


class Cassandra(LocalServer):
    """The store of the posts."""

    name = "cassandra"
    port_names = ("cassandra", "cassandra-storage")

    def __init__(self, place: ServerPaths) -> None:
        """Find the recorded jars."""
        super().__init__(place)
        self.jars = jar_set("cassandra", place.cache_dir)
        self.archive = ClassArchive(self.jars, java.java)
        self._tmp = self.home / "tmp"  # until it is prepared

    def prepare(self, children: Children) -> None:
        """Write the configuration."""
        self._tmp = java.scratch(self.home, self.place.cache_dir)
        (self.home / "triggers").mkdir(exist_ok=True)
        text = render(
            "cassandra.yaml",
            **{name: yaml_string(utf8(self.home / name)) for name in _FOLDERS},
            port=self.port,
            storage_port=self.place.ports["cassandra-storage"],
            settings=lines(SETTINGS, ": "),
        )
        write_atomic(self.home / "cassandra.yaml", text)
        write_atomic(self.home / "logback.xml", render("cassandra-logback.xml"))

    def command(self) -> Sequence[str]:
        """Return the node's command line."""
        return [
            str(java.java()),
            *java.flags(HEAP_MB, self._tmp, self.place.tuning, self.archive),
            "-XX:MaxDirectMemorySize=256m",
            f"-Djna.tmpdir={self._tmp}",
            "-Dio.netty.tryReflectionSetAccessible=true",
            f"-Dcassandra.config={(self.home / 'cassandra.yaml').as_uri()}",
            f"-Dlogback.configurationFile={(self.home / 'logback.xml').as_uri()}",
            f"-Dcassandra.storagedir={self.home}",
            f"-Dcassandra.logdir={self.place.log_dir}",
            f"-Dcassandra.triggers_dir={self.home / 'triggers'}",
            "-Dcassandra-foreground=yes",
            *_NO_WAITS,
            _QUICK_ESTIMATE,
            *(f"--add-exports={part}=ALL-UNNAMED" for part in _EXPORTS),
            *(f"--add-opens={part}=ALL-UNNAMED" for part in _OPENS),
            "org.apache.cassandra.service.CassandraDaemon",
        ]

    def environment(self) -> dict[str, str]:
        """Return the environment with the class path, which keeps the command line readable."""
        assert self.jars
        return {**super().environment(), "CLASSPATH": self.jars.class_path}

    def answers(self) -> bool:
        """Return whether the node speaks CQL."""
        return self.ask(_OPTIONS, at_least=9)[4] == _SUPPORTED

    def urls(self) -> Mapping[str, str]:
        """Return Cassandra's URL."""
        return {"MICROBLOG_CASSANDRA_URL": f"cassandra://127.0.0.1:{self.port}/{KEYSPACE}"}
