"""Tasks end when they are cancelled, also where a library loses the cancellation."""

import asyncio

from microblog_streams.aio import tasks
from microblog_streams.aio.tasks import cancel_all


async def test_a_task_that_loses_cancellations_is_cancelled_until_it_ends(monkeypatch):
    monkeypatch.setattr(tasks, "RECANCEL_SECONDS", 0.01)
    lost = 0

    async def deaf():
        nonlocal lost
        while lost < 3:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await cancel_all([task])
    assert (task.done(), lost) == (True, 3)


async def test_cancelling_tasks_ignores_how_they_ended():
    async def fails():
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("on the way out")

    task, done = asyncio.create_task(fails()), asyncio.create_task(asyncio.sleep(0))
    await asyncio.sleep(0)
    await cancel_all([task, done])
    assert isinstance(task.exception(), ValueError)
    await cancel_all([])
