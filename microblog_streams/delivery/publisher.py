"""Publish records and wait until the brokers confirm them: a post is accepted, and the outbox emptied, only then.

The producer is plain (acks=all, not idempotent): duplicates are harmless because events have ids, aiokafka keeps the
order by one request in flight per partition, and an idempotent producer would never expire a batch. So after a time-out
the record may or may not be in the log. Without a connection nothing is sent, and the outcome is known.

A topic of a topic set that was replaced refuses every record (see ``kafka.topics``). So a publisher that learns
late of a repartition publishes posts on the next topic set.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol

from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from faust.exceptions import NotReady, ProducerSendError

from microblog_streams.aio.tasks import retrieve_exception
from microblog_streams.delivery.faust_patches.transport import broker_connected, refresh_broker
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.errors import BrokerUnavailable, OutcomeUnknown, StoreUnavailable

if TYPE_CHECKING:
    from faust import App
    from faust.types import TopicT

logger = logging.getLogger(__name__)

#: Sends in flight at a time. With 1,000 the median rises from 2 to 47 ms.
MAX_IN_FLIGHT: Final = 256
#: Seconds to wait for a connection or an answer, and to refuse at once after there was none.
CONNECT_SECONDS: Final = 1.0


class TopicClosed(BrokerUnavailable):
    """The topic refuses every record, because the next topic set has replaced its own."""


class DeploymentSource(Protocol):
    """Where a publisher learns which topic set takes posts; ``services.deployment_watch`` implements it."""

    deployment: Deployment

    async def refresh(self) -> Deployment:
        """Read the deployment from PostgreSQL. Raises StoreUnavailable."""
        ...


class BrokerProbe:
    """Checks before each send that a broker can be reached: what was not sent has a known outcome.

    A frozen broker keeps its connections. So after a record was not confirmed in time, a connection proves nothing
    until the broker has answered a request.
    """

    def __init__(self, app: "App") -> None:
        """The app's producer has the connections."""
        self._app = app
        self._suspect = False
        self._failed_at = -CONNECT_SECONDS
        self._lock = asyncio.Lock()

    def suspect(self) -> None:
        """Trust no connection until the broker has answered: a record was not confirmed in time."""
        self._suspect = True

    async def check(self) -> None:
        """Raise BrokerUnavailable where no broker can be reached. Sends one request at a time, at most one a second."""
        if self._reachable():
            return
        async with self._lock:
            if self._reachable():
                return
            if monotonic() - self._failed_at < CONNECT_SECONDS:
                raise BrokerUnavailable("there is no connection to it")
            if not await refresh_broker(self._app, CONNECT_SECONDS):
                self._failed_at = monotonic()
                raise BrokerUnavailable("there is no connection to it")
            self._suspect = False

    def _reachable(self) -> bool:
        return broker_connected(self._app) and not self._suspect


class Publisher:
    """Publishes on logical topics (implements ``ports.EventLog``)."""

    def __init__(
        self, app: "App", topic: "Callable[[str, int], TopicT]", deployment: DeploymentSource, timeout: float
    ) -> None:
        """``topic`` returns a topic of a topic set; after ``timeout`` seconds a publish has an unknown outcome."""
        self._broker = BrokerProbe(app)
        self._topic = topic
        self._deployment = deployment
        self._timeout = timeout
        self._slots = asyncio.Semaphore(MAX_IN_FLIGHT)

    async def publish(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Mapping[str, str] | None = None,
        generation: int | None = None,
    ) -> None:
        """Publish on the topic set ``generation``, or the one that takes posts, and wait for the confirmation.

        Raises BrokerUnavailable, OutcomeUnknown.
        """
        encoded = {name: text.encode() for name, text in (headers or {}).items()}

        async def publish_in(topic_set: int) -> None:
            async with self._slots:
                await self._broker.check()
                await self._confirmed(topic, self._send(self._topic(topic, topic_set), key, value, encoded))

        if generation is not None:
            await publish_in(generation)
            return
        current = self._deployment.deployment.posts_go_to
        try:
            await publish_in(current)
        except TopicClosed:
            await publish_in(await self._successor(current))

    async def _successor(self, closed: int) -> int:
        """Return the topic set that has replaced ``closed``. Raises BrokerUnavailable."""
        try:
            current = (await self._deployment.refresh()).posts_go_to
        except StoreUnavailable as exc:
            raise BrokerUnavailable(f"its topics were replaced, and the new ones are unknown: {exc}") from exc
        if current == closed:
            raise BrokerUnavailable("it takes no record of this size")
        return current

    async def _confirmed(self, topic: str, send: Awaitable[None]) -> None:
        sending = asyncio.ensure_future(send)
        sending.add_done_callback(retrieve_exception)  # also where the caller is cancelled
        done, _ = await asyncio.wait([sending], timeout=self._timeout)
        if not done:
            self._broker.suspect()
            raise OutcomeUnknown(f"no confirmation of {topic} within {self._timeout} s")
        try:
            sending.result()
        except NotReady as exc:
            raise BrokerUnavailable("the worker is stopping") from exc
        except MessageSizeTooLargeError as exc:
            raise TopicClosed("it refused the record's size") from exc
        except (KafkaError, ProducerSendError, OSError) as exc:
            self._broker.suspect()
            raise OutcomeUnknown(f"{topic} was not confirmed: {exc!r}") from exc

    @staticmethod
    async def _send(topic: "TopicT", key: bytes, value: bytes, headers: dict[str, bytes]) -> None:
        message = topic.as_future_message(key=key, value=value, headers=headers)
        # Faust sets the exception on this future too, which is never awaited.
        message.add_done_callback(retrieve_exception)
        await (await topic.publish_message(message))
