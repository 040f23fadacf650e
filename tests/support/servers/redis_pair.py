"""Two Redis servers (here Valkey) of which one is the other's replica, and a Sentinel that watches them where wanted.

The servers and the Sentinel log in to each other as a user of their own. So one can be cut off from the others, and not
from the workers: there, this user may do nothing, and its connections are closed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import dedent
from typing import Any

from redis import Redis as Client
from redis import RedisError

from microblog_streams.local.files import write_atomic
from microblog_streams.local.process import Children
from microblog_streams.local.reaper import wait_until
from microblog_streams.local.stack import Stack
from microblog_streams.local.valkey import Valkey
from tests.support.servers.alone import serving

HOST = "127.0.0.1"
PASSWORD, SENTINEL_PASSWORD = "secret-of-redis", "secret-of-sentinel"
SERVICE = "service"
#: The user that the servers are to each other and to the Sentinel.
INSIDER = "insider"
#: What keeps a primary from taking writes alone, for the usual hold of acknowledgements.
CAREFUL = "min-replicas-to-write 1\nmin-replicas-max-lag 2\n"
#: Milliseconds without an answer after which the Sentinel takes a server for gone. With one second it also took a new
#: primary for gone that a busy machine had kept waiting, and made the old one the primary again.
DOWN_AFTER_MS = 5_000
#: Seconds until a replica has copied everything, on a busy machine too.
TIMEOUT_SECONDS = 60


class One(Valkey):
    """The server that is the primary at first."""

    name = "redis-one"
    port_names = ("redis-one",)
    more = CAREFUL

    def prepare(self, children: Children) -> None:
        super().prepare(children)
        config = self.home / "valkey.conf"
        write_atomic(config, config.read_text() + self._links() + self.more)

    def client(self) -> Client:
        return Client(port=self.port, password=PASSWORD)

    def tell(self, *command: object) -> Any:
        """Send the server one command, as an operator."""
        with self.client() as client:
            return client.execute_command(*command)

    def is_primary(self) -> bool:
        try:
            return bool(self.tell("INFO", "replication")["role"] == "master")
        except RedisError:
            return False

    def is_followed(self) -> bool:
        """Return whether a replica is up to date."""
        try:
            return bool(self.tell("INFO", "replication").get("slave0", {}).get("state") == "online")
        except RedisError:
            return False

    def follow(self, other: "One") -> None:
        self.tell("REPLICAOF", HOST, other.port)

    def lead(self) -> None:
        self.tell("REPLICAOF", "NO", "ONE")

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """Let neither replicas nor the Sentinel reach it within the block; workers do.

        They can log in within the block too: a connection that failed to would go on without a login afterwards, as
        the Sentinel keeps one that answers with errors.
        """
        self.tell("ACL", "SETUSER", INSIDER, "-@all")
        self.tell("CLIENT", "KILL", "USER", INSIDER)
        try:
            yield
        finally:
            self.tell("ACL", "SETUSER", INSIDER, "+@all")

    def _links(self) -> str:
        return f"""\
user {INSIDER} on >{PASSWORD} ~* &* +@all
masteruser {INSIDER}
masterauth {PASSWORD}
repl-diskless-sync-delay 0
"""

    def _password(self) -> str:
        return PASSWORD


class Two(One):
    """The server that is the replica at first."""

    name = "redis-two"
    port_names = ("redis-two",)

    def _links(self) -> str:
        return f"{super()._links()}replicaof {HOST} {self.place.ports['redis-one']}\n"


class Watcher(Valkey):
    """The Sentinel, which wants a password of its own."""

    name = "sentinel"
    port_names = ("sentinel",)

    def prepare(self, children: Children) -> None:
        # It looks for replicas when it starts, and then every ten seconds.
        assert wait_until(self._copied, TIMEOUT_SECONDS)
        self.home.mkdir(parents=True, exist_ok=True)
        config = f"""\
            bind {HOST}
            port {self.port}
            dir "{self.home}"
            requirepass {SENTINEL_PASSWORD}
            sentinel monitor {SERVICE} {HOST} {self.place.ports["redis-one"]} 1
            sentinel auth-user {SERVICE} {INSIDER}
            sentinel auth-pass {SERVICE} {PASSWORD}
            sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}
            sentinel failover-timeout {SERVICE} 3000
            """
        write_atomic(self.home / "valkey.conf", dedent(config))

    def command(self) -> list[str]:
        return [*super().command(), "--sentinel"]

    def tail(self) -> str:
        """Return the end of its log, which says why it does or does not make a server the primary."""
        return self.last_words()

    def _copied(self) -> bool:
        return One(self.place).is_followed()

    def _password(self) -> str:
        return SENTINEL_PASSWORD


class Pair:
    """The two servers as they run."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        one, two = stack.parts["redis-one"], stack.parts["redis-two"]
        assert isinstance(one, One)
        assert isinstance(two, One)
        self.one, self.two = one, two

    @property
    def sentinel(self) -> str:
        """The way to the primary by the Sentinel."""
        return f"redis+sentinel://:{PASSWORD}@{HOST}:{self.stack.parts['sentinel'].port}/{SERVICE}"

    @property
    def primary(self) -> One:
        """The server that is the primary and has a replica. Waits until there is one."""
        assert wait_until(lambda: any(each.is_followed() for each in (self.one, self.two)), TIMEOUT_SECONDS)
        return self.one if self.one.is_followed() else self.two

    def other(self, server: One) -> One:
        return self.two if server is self.one else self.one

    def reset(self) -> None:
        """Make the first one the primary again, without a Sentinel, and wait until the second has copied it."""
        self.one.lead()
        self.two.follow(self.one)
        assert wait_until(self.one.is_followed, TIMEOUT_SECONDS)


@contextmanager
def running_pair(*more: type[Valkey], one: type[One] = One, two: type[One] = Two) -> Iterator[Pair]:
    """Start both, and what watches them, for as long as the block lasts."""
    with serving(one, two, *more) as stack:
        pair = Pair(stack)
        assert wait_until(pair.one.is_followed, TIMEOUT_SECONDS)
        yield pair


def address(port: int) -> str:
    """Return the way to whatever answers at a port of loopback."""
    return f"redis://:{PASSWORD}@{HOST}:{port}/0"
