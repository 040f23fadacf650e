"""Mend of aiokafka's connection (aiokafka 0.14, uvloop 0.23).

**A consumer that never beats again after a broker was killed.** To write to a transport that the broker has closed is
an OSError for aiokafka, or nothing at all; with uvloop it is a RuntimeError, in the moment before the reader has
noticed the end. Nothing expects that one: it ends the task that refreshes the metadata, and nobody watches that task.
Whoever asks for metadata waits for ever from then on, the lookup of the group's coordinator among them: no heartbeat,
no commit, no effect of a stale lease, while fetches go on and REST answers. It was seen in two of twelve kills of
Kafka. Here that error is what it means: the connection is broken, as the callers expect it.
Upstream: aio-libs/aiokafka issue 1038.
"""

from typing import Any

from aiokafka import conn
from aiokafka.errors import KafkaConnectionError


class PlainlyBroken(conn.AIOKafkaConnection):  # type: ignore[misc]  # its package has no types
    """A connection that is broken in one way only."""

    def send(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request; return what its answer is awaited by. Raises KafkaConnectionError."""
        try:
            return super().send(*args, **kwargs)
        except RuntimeError as exc:
            self.close(reason=conn.CloseReason.CONNECTION_BROKEN, exc=exc)
            raise KafkaConnectionError(f"Connection at {self._host}:{self._port} broken: {exc}") from exc


def mend() -> None:
    """Have every client of this process connect so; there is no other place to hand the class to aiokafka."""
    vars(conn)["AIOKafkaConnection"] = PlainlyBroken
