"""A loop that is blocked shows as late."""

import time

from microblog_streams.services import periodic_tasks
from microblog_streams.services.periodic_tasks import LoopWatch
from tests.support.waiting import until


async def test_a_blocked_loop_is_late_by_that_time(monkeypatch):
    monkeypatch.setattr(periodic_tasks, "LOOK_SECONDS", 0.01)
    watch = LoopWatch()
    await watch.start()
    await until(lambda: watch.lag.count)

    looks, before = watch.lag.count, watch.lag.total
    time.sleep(0.06)  # noqa: ASYNC251 - blocks the loop
    await until(lambda: watch.lag.count > looks)
    await watch.stop()

    assert watch.lag.total - before >= 0.04
