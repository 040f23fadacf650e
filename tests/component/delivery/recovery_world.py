"""Recoveries of a table, by Faust or by us, from the rebalance on."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace
from unittest.mock import Mock

import faust
from faust.types import TP

CHANGELOG = TP("changelog", 0)


class ChangelogConsumer(Mock):
    """Has the changelog's records from ``first`` to ``end`` - 1, none by default; keeps where it was sought."""

    first = end = 0

    def __init__(self, **options):
        super().__init__(sought=[], **options)

    async def highwaters(self, *partitions):
        return dict.fromkeys(partitions, self.end)

    async def earliest_offsets(self, *partitions):
        return dict.fromkeys(partitions, self.first)

    async def seek_wait(self, partitions):
        self.sought.append(dict(partitions))

    async def perform_seek(self):
        pass

    def assignment(self):
        return {CHANGELOG}


@asynccontextmanager
async def begun(kind, folder, consumer, applied=None, owner=True, step_seconds=90.0):
    """Begin the recovery of a table, as its owner or as a standby, that has applied the record of this offset."""
    app = faust.App("recovery-test", datadir=folder, store="memory://", broker="kafka://127.0.0.1:1")
    app.conf.broker_request_timeout = step_seconds
    app.consumer = consumer
    app._fetcher = SimpleNamespace(maybe_start=lambda: asyncio.sleep(0))
    app.tables["followers"] = table = Mock(recovery_buffer_size=1_000, shortened=set())
    table.on_recovery_completed = lambda actives, standbys: asyncio.sleep(0)
    recovery = kind(app, app.tables)
    recovery.tp_to_table[CHANGELOG] = table
    (recovery.active_tps if owner else recovery.standby_tps).add(CHANGELOG)
    (recovery.active_offsets if owner else recovery.standby_offsets)[CHANGELOG] = applied
    task = asyncio.create_task(recovery._restart_recovery.fun(recovery))
    recovery.signal_recovery_start.set()
    yield SimpleNamespace(recovery=recovery, consumer=consumer, table=table, task=task)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
