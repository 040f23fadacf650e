"""The state of one worker: ``/health`` reports all problems, ``/ready`` says whether to send it requests.

A worker becomes ready once and stays so until it stops, its disk is full or its clock is wrong. All workers see a
store that is unavailable, or a rebalance, at the same moment, and if all of them were "not ready" there would be no
service at all. Such states show in the report, and in the 503 of each call that they concern.
"""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Protocol, TypeVar

from faust import App

from microblog_streams.cluster_status import durability_checks
from microblog_streams.cluster_status.models import Report, Size
from microblog_streams.config.settings import Settings
from microblog_streams.dead_letters.operations import DeadLetterWatch
from microblog_streams.delivery.faust_patches.transport import producer_started, refresh_broker
from microblog_streams.delivery.lease import Heartbeat
from microblog_streams.delivery.processor_pool import ProcessorPool
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.operations.rate_limits import RateLimiter
from microblog_streams.services.audits import Reconciler
from microblog_streams.services.connections import BrokerGate, StoreConnections
from microblog_streams.services.health_watches import ClockWatch, DurabilityWatch
from microblog_streams.services.outbox_relay import OutboxRelay
from microblog_streams.services.worker_process import DiskWatch

Answer = TypeVar("Answer")

#: Seconds that a store has to answer a ping; all are asked at the same time.
PING_SECONDS: Final = 1.0
#: Properties of RocksDB. Rows that were written again count twice until it compacts.
_ROW_COUNT: Final = "rocksdb.estimate-num-keys"
_SIZES: Final = ("rocksdb.live-sst-files-size", "rocksdb.size-all-mem-tables")


class Store(Protocol):
    """A store's connection, which noted on connecting what the server's settings do not guarantee."""

    @property
    def warnings(self) -> Sequence[str]:
        """One line for each setting that is too weak."""
        ...


class Outbox(Protocol):
    """The outbox, as far as a report needs it."""

    async def count(self) -> int:
        """Return how many events wait. Raises StoreUnavailable."""
        ...

    async def age(self) -> float | None:
        """Return the age of the oldest event in seconds, None if there is none. Raises StoreUnavailable."""
        ...


class Table(Protocol):
    """The follower table, as far as a report needs it."""

    @property
    def databases(self) -> Mapping[int, Any]:
        """The open RocksDB databases, by partition."""
        ...


@dataclass
class Health:
    """The checks of one worker, and the parts that they look at."""

    app: App
    settings: Settings
    heartbeat: Heartbeat
    postgres: Store
    redis: Store
    outbox: Outbox
    store_connections: StoreConnections
    broker_gate: BrokerGate
    disk_watch: DiskWatch
    clock_watch: ClockWatch
    durability_watch: DurabilityWatch
    dead_letter_watch: DeadLetterWatch
    outbox_relay: OutboxRelay
    reconciler: Reconciler
    processor_pool: ProcessorPool
    stale_rows: Sized
    rate_limiter: RateLimiter
    _was_ready: bool = field(default=False, init=False)

    def ready(self) -> tuple[bool, str]:
        """Return whether the worker can serve REST, and the reason if it cannot."""
        if self.app.should_stop:
            return False, "the worker is stopping"
        if self.disk_watch.full:
            return False, "the disk is full"
        if self.clock_watch.wrong:
            return False, self.clock_watch.words()
        if not self._was_ready and (reason := self._awaited()):
            return False, reason
        self._was_ready = True
        return True, ""

    def _awaited(self) -> str:
        """Return what the start still waits for, empty once all of it was reached."""
        if not self.store_connections.connected["postgres"].is_set():
            return "PostgreSQL was not reached yet"
        if self.clock_watch.ahead is None:
            return "the clock was not compared with PostgreSQL's yet"
        if not self.broker_gate.open.is_set() or not producer_started(self.app):
            return "Kafka and its topics were not reached yet"
        # One that serves no REST is ready once it delivers: an orchestrator replaces the next worker after that.
        if self.settings.roles == "streams" and not self._tables_state()["recovered"]:
            return "its tables are not recovered yet"
        return ""

    async def report(self) -> dict[str, Any]:
        """Return the report. It has names, states and counts only: no addresses, no secrets."""
        stores, (depth, unreadable) = await asyncio.gather(self._ping_stores(), _asked(self.outbox.count()))
        tables = self._tables_state()
        problems = [f"{store}: {state}" for store, state in stores.items() if state != "ok"]
        problems += [f"outbox: it cannot be read ({unreadable})"] if unreadable else []
        problems += self._own_problems(tables)
        return {
            "status": "degraded" if problems else "ok",
            "worker": self.settings.worker_name,
            "problems": problems,
            "warnings": list(self._warnings()),
            "stores": stores,
            "tables": tables,
            "delivery": self._delivery_state(),
            "outbox": {"leading": self.outbox_relay.leading, "depth": depth},
            "limits": {"refused": dict(self.rate_limiter.refused)},
            "reconciler": {"checked": self.reconciler.checked, "repaired": self.reconciler.repaired},
            "deadLetters": {"open": self.dead_letter_watch.open},
        }

    async def outbox_age(self) -> float | None:
        """Return the age of the outbox's oldest event in seconds, 0 where it is empty, None where that is not known."""
        return (await _asked(self._age_or_zero()))[0]

    async def _age_or_zero(self) -> float:
        return await self.outbox.age() or 0.0

    def _delivery_state(self) -> dict[str, Any]:
        pool = self.processor_pool
        return {"unacked": pool.unacked(), "halted": pool.halted(), "rowsInDoubt": len(self.stale_rows)}

    async def _ping_stores(self) -> dict[str, str]:
        stores, broker_answers = await asyncio.gather(
            self.store_connections.ping(PING_SECONDS),
            refresh_broker(self.app, PING_SECONDS),  # a connection is no proof: a frozen broker keeps them
        )
        return {**stores, "kafka": "ok" if broker_answers else "no answer"}

    def _warnings(self) -> Iterator[str]:
        yield from durability_checks.of_settings(self.settings)
        yield from self.durability_watch.warnings
        yield from self.postgres.warnings
        yield from self.redis.warnings
        if clock := self.clock_watch.words():
            yield clock
        # A warning, not a problem: the worker itself works, and each letter needs a person's decision once.
        if count := self.dead_letter_watch.open:
            yield f"dead letters: {count} open, see `faust -A microblog_streams dead-letters list`"

    def _own_problems(self, tables: Mapping[str, bool | None]) -> Iterator[str]:
        for name, reason in self.processor_pool.halted().items():
            yield f"partition {name} halted: {reason}"
        if self.disk_watch.full:
            yield "disk: it is full, the tables take no rows"
        if tables["recovered"] is False:
            yield "tables: being recovered"
        elif tables["recovered"] and monotonic() > self.heartbeat.deadline:
            yield "group: no heartbeat was answered in time, nothing is delivered by this worker"

    def _tables_state(self) -> dict[str, bool | None]:
        """Return the state of the follower table; a worker of the role ``web`` has none."""
        app = self.app
        if app.producer_only:
            return {"recovered": None, "rebalancing": False}
        recovered = app.tables.actives_ready and not app.rebalancing
        return {"recovered": bool(recovered), "rebalancing": bool(app.rebalancing)}


async def _asked(question: Awaitable[Answer]) -> tuple[Answer | None, str]:
    """Return PostgreSQL's answer, None where there is none within a second; and what kind of error its answer was."""
    try:
        async with asyncio.timeout(PING_SECONDS):
            return await question, ""
    except (StoreUnavailable, TimeoutError):
        return None, ""  # its ping says so
    except Exception as exc:  # a table that is not there, or may not be read: no reason to report nothing else
        return None, type(exc).__name__


@dataclass(frozen=True)
class LocalStatus:
    """What this worker reports to the status page of another: its health, and the size of its partitions."""

    worker: str
    health: Health
    table: Table

    async def report(self) -> Report:
        """Return the report, within about a second even if a store does not answer."""
        health = await self.health.report()
        return Report(
            worker=self.worker,
            problems=tuple(health["problems"]),
            warnings=tuple(health["warnings"]),
            unacked=health["delivery"]["unacked"],
            sizes=sizes(self.table.databases),
        )


def sizes(databases: Mapping[int, Any]) -> tuple[Size, ...]:
    """Return the sizes of the open databases, by partition."""
    return tuple(_size(partition, database) for partition, database in sorted(databases.items()))


def _size(partition: int, database: Any) -> Size:  # noqa: ANN401 -- rocksdict has no types
    rows, *parts = (database.property_int_value(name) or 0 for name in (_ROW_COUNT, *_SIZES))
    return Size(partition, rows, sum(parts))
