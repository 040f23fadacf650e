"""How a worker is: ``/health`` tells everything that is wrong, ``/ready`` whether to send it requests.

Readiness is decided once: every worker sees an absent store or a rebalance at the same moment, and a fleet that is
"not ready" as one serves nobody. Those show in the report and in each call's own 503.
"""

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any

from microblog_streams.cluster_status import durability_checks
from microblog_streams.delivery.faust_patches.transport import producer_started, refresh_broker
from microblog_streams.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from microblog_streams.bootstrap.application import MicroblogApp

#: Seconds that a store has to answer a ping, and all of them do side by side.
PING = 1.0


class Health:
    """Looks at one worker."""

    def __init__(self, app: "MicroblogApp") -> None:
        """Look at ``app``."""
        self._app = app
        self._began = False

    def ready(self) -> tuple[bool, str]:
        """Tell whether the worker can serve REST, and why not."""
        if self._app.should_stop:
            return False, "the worker is stopping"
        if self._app.disk_watch.full:
            return False, "the disk is full"
        if self._app.clock_watch.wrong:
            return False, self._app.clock_watch.words()
        if not self._began:
            if not self._app.store_connections.connected["postgres"].is_set():
                return False, "PostgreSQL was not reached yet"
            if self._app.clock_watch.ahead is None:
                return False, "the clock was not compared with PostgreSQL's yet"
            if not self._app.broker_gate.open.is_set() or not producer_started(self._app):
                return False, "Kafka and its topics were not reached yet"
            self._began = True
        return True, ""

    async def report(self) -> dict[str, Any]:
        """Return what is well and what is not. Store names, states and counts only: no addresses, no secrets."""
        stores, reached, outbox = await asyncio.gather(
            self._app.store_connections.ping(PING),
            refresh_broker(self._app, PING),  # a connection is no proof: a frozen broker keeps them
            self._outbox(),
        )
        stores["kafka"] = "ok" if reached else "no answer"
        tables = self._tables()
        halted = self._app.processor_pool.halted()
        problems = [f"{store}: {state}" for store, state in stores.items() if state != "ok"]
        problems += [f"lane {lane} halted: {reason}" for lane, reason in halted.items()]
        problems += self._own_problems(tables)
        return {
            "status": "degraded" if problems else "ok",
            "worker": self._app.settings.worker_name,
            "problems": problems,
            "warnings": [
                *durability_checks.of_settings(self._app.settings),
                *self._app.durability_watch.warnings,
                *self._app.postgres.warnings,
                *self._app.redis.warnings,
                *filter(None, [self._app.clock_watch.words()]),
                *self._dead_letters(),
            ],
            "stores": stores,
            "tables": tables,
            "delivery": {
                "unacked": self._app.processor_pool.unacked(),
                "halted": halted,
                "rowsInDoubt": len(self._app.followers.table.stale_rows),
            },
            "outbox": outbox,
            "limits": {"refused": dict(self._app.rate_limiter.refused)},
            "reconciler": {"checked": self._app.reconciler.checked, "repaired": self._app.reconciler.repaired},
            "deadLetters": {"open": self._app.dead_letters.open},
        }

    def _own_problems(self, tables: dict[str, Any]) -> list[str]:
        found = []
        if self._app.disk_watch.full:
            found.append("disk: it is full, the tables take no rows")
        if tables["recovered"] is False:
            found.append("tables: being recovered")
        elif tables["recovered"] and monotonic() > self._app.heartbeat.deadline:
            found.append("group: no heartbeat was answered in time, nothing is delivered by this worker")
        return found

    def _dead_letters(self) -> list[str]:
        # A warning, not a problem: every worker is as well as it was, and a person has to look at each letter once.
        count = self._app.dead_letters.open
        return [f"dead letters: {count} open, see `faust -A microblog_streams dead-letters list`"] if count else []

    def _tables(self) -> dict[str, Any]:
        app = self._app
        if app.producer_only:
            return {"recovered": None, "rebalancing": False}
        recovered = app.tables.actives_ready and not app.rebalancing
        return {"recovered": bool(recovered), "rebalancing": bool(app.rebalancing)}

    async def _outbox(self) -> dict[str, Any]:
        try:
            async with asyncio.timeout(PING):
                depth: int | None = await self._app.outbox.count()
        except (StoreUnavailable, TimeoutError):
            depth = None
        return {"leading": self._app.outbox_relay.leading, "depth": depth}
