"""Fixes of aiokafka's own classes, for every client of a process (aiokafka 0.14, uvloop 0.23).

**A consumer may stop its heartbeats for good after a broker was killed.** Writing to a transport that the broker has
closed is an OSError in aiokafka, or ignored; with uvloop it is a RuntimeError, in the moment before the reader has
noticed the end. It is not expected there: it ends the task that refreshes the metadata, and that task is not watched.
From then on every request for metadata waits for ever, the lookup of the group's coordinator among them: no heartbeat,
no commit, no effect under a stale lease, while fetches go on and REST answers. It was seen in two of twelve kills of
Kafka. Here the RuntimeError becomes what it means, a broken connection. Upstream: aio-libs/aiokafka issue 1038.

**A group is read from its beginning after its coordinator has moved.** A broker that does not have the group's offsets,
because it still loads them or is not the coordinator any more, answers with an error for the whole group and without
partitions (from version 2 of OffsetFetch on, https://kafka.apache.org/protocol.html). aiokafka looks at the errors of
partitions only, and takes each partition for one without a committed offset. So a worker read a topic from its first
record, and its next commit set the group's offset back to there. Nothing was lost, but everything that the topic still
had was applied again; where an event of it had halted its partition, it did so again. A lone broker that was frozen for
longer than its session answers so for up to a second. Here the error is raised, and aiokafka asks again. Upstream: not
found.

**A late commit sets a group's offset back.** aiokafka repeats a commit for as long as the coordinator is away, each
time as the member that it is by then. After a rebalance it is one of the new generation, and the broker takes the old
offsets from it, even of partitions that another worker owns and has committed further. A consumer that the group has
dropped is no member, and a broker takes the commits of such a consumer while the group has no members. What lies behind
is read again. Here a commit is refused once its assignment has ended, or while the consumer is no member, as in Kafka's
own client. Upstream: not found.

**A worker that has not read for long never joins again.** Once nothing was read for ``broker_max_poll_interval``, 1,000
s, aiokafka leaves the group, and joins no generation before the next read. But Faust stops reading when its partitions
are revoked, and reads again when it has joined: both waited for each other, for ever. So it went with a worker that had
no partition, because there were more workers: after a quarter of an hour it was no spare any more, and no worker was
left when the others ended. And with a Kafka that was away for longer than that, where the last thing that the worker
learned of it was a rebalance. Here the time without a read counts anew once the partitions were given back;
``consumer`` has the rest, that one without partitions does not leave. Upstream: not found.

**A worker whose join was answered with an error never joins again.** An error that aiokafka has no name for (a failure
inside the broker, a permission that is missing for a moment, an assignment that the leader could not make) is left for
the application to take, with its next read, and the group's client waits until then. But Faust reads nothing before it
has joined: both waited for each other, for ever, without a heartbeat. Here such an error is logged, and the join tried
again. Once there is an assignment, the error goes to the application as before, and ends the worker. Upstream: not
found.
"""

import asyncio
import logging
from time import monotonic
from typing import Any, Final

from aiokafka import conn
from aiokafka.consumer import consumer
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    IllegalGenerationError,
    KafkaConnectionError,
    NoError,
    NotCoordinatorForGroupError,
    for_code,
)
from aiokafka.protocol.commit import OffsetCommitRequest, OffsetFetchRequest

logger = logging.getLogger(__name__)

#: Seconds between two tries to join the group where Kafka refuses.
JOIN_PAUSE_SECONDS: Final = 1.0


class KafkaConnection(conn.AIOKafkaConnection):  # type: ignore[misc]  # its package has no types
    """A connection whose failed write is a KafkaConnectionError, whatever the event loop raises."""

    def send(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request; return the future of its response. Raises KafkaConnectionError."""
        try:
            return super().send(*args, **kwargs)
        except RuntimeError as exc:
            self.close(reason=conn.CloseReason.CONNECTION_BROKEN, exc=exc)
            raise KafkaConnectionError(f"Connection at {self._host}:{self._port} broken: {exc}") from exc


class OffsetCoordinator(GroupCoordinator):  # type: ignore[misc]
    """A coordinator's client that takes an error for no empty group, commits for the present assignment only, and joins
    the next generation also where nothing was read for long, or where Kafka refused at first.
    """

    async def _send_req(self, request: Any) -> Any:
        response = await super()._send_req(request)
        if isinstance(request, OffsetFetchRequest):
            # Version 1 has errors of partitions only.
            self._check_group(getattr(response, "error_code", NoError.errno))
        return response

    def _check_group(self, code: int) -> None:
        error = for_code(code)
        if error is NoError:
            return
        if error in (NotCoordinatorForGroupError, GroupCoordinatorNotAvailableError):
            self.coordinator_dead()
        logger.info("group_offsets_wait group=%s reason=%s", self.group_id, error.__name__)
        raise error(f"the offsets of {self.group_id}")

    async def ensure_active_group(self, subscription: Any, prev_assignment: Any) -> Any:
        """Try to join; return the new assignment, None where that did not succeed."""
        if self._performed_join_prepare:
            self._subscription._last_fetch_ended = monotonic()
        return await super().ensure_active_group(subscription, prev_assignment)

    def _push_error_to_user(self, exc: Any) -> Any:
        if not self._subscription.reassignment_in_progress:
            return super()._push_error_to_user(exc)
        logger.error("group_join_waits group=%s reason=%r", self.group_id, exc)
        return asyncio.wait([self._closing], timeout=JOIN_PAUSE_SECONDS)

    async def _do_commit_offsets(self, assignment: Any, offsets: Any) -> None:
        if self._subscription.partitions_auto_assigned() and not (assignment.active and self._is_member()):
            logger.info("late_commit_refused group=%s partitions=%d", self.group_id, len(offsets))
            raise IllegalGenerationError(self.group_id)
        await super()._do_commit_offsets(assignment, offsets)

    def _is_member(self) -> bool:
        return bool(self.generation != OffsetCommitRequest.DEFAULT_GENERATION_ID)


def patch_clients() -> None:
    """Make every client of this process use these classes: aiokafka has no setting for them."""
    vars(conn)["AIOKafkaConnection"] = KafkaConnection
    vars(consumer)["GroupCoordinator"] = OffsetCoordinator
