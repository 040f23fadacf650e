"""A full disk is logged once and delays the start."""

import asyncio
import logging
import shutil
from types import SimpleNamespace

import pytest

from microblog_streams.services import worker_process as module
from microblog_streams.services.worker_process import MIN_FREE_BYTES, DiskWatch
from tests.support.waiting import DEADLINE_SECONDS, until


@pytest.fixture
def free(monkeypatch):
    """Bytes that are free, and how often they were read."""
    disk = SimpleNamespace(free=MIN_FREE_BYTES, looks=0)

    def usage(folder):
        disk.looks += 1
        return disk

    monkeypatch.setattr(shutil, "disk_usage", usage)
    return disk


@pytest.fixture
async def disk(tmp_path, free, monkeypatch):
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.001)
    disk = DiskWatch(tmp_path)
    yield disk
    await disk.stop()


@pytest.fixture
def told(caplog):
    caplog.set_level(logging.WARNING, logger=module.__name__)
    return lambda: [record.message.split()[0] for record in caplog.records if record.name == module.__name__]


def test_it_is_full_below_what_the_databases_take_ahead(tmp_path, free):
    disk = DiskWatch(tmp_path)
    assert not disk.full
    free.free = MIN_FREE_BYTES - 1
    assert disk.full


async def test_the_log_tells_once_when_it_fills_and_once_when_there_is_room(disk, free, told):
    await disk.start()
    free.free, free.looks = 0, 0
    await until(lambda: free.looks > 5)
    assert told() == ["disk_full"]

    free.free, free.looks = MIN_FREE_BYTES, 0
    await until(lambda: free.looks > 5)
    assert told() == ["disk_full", "disk_has_room"]


async def test_a_worker_waits_for_room_before_it_goes_on_to_start(disk, free):
    free.free = 0
    starting = asyncio.create_task(disk.start())
    await until(lambda: free.looks > 5)
    assert not starting.done()

    free.free = MIN_FREE_BYTES
    await asyncio.wait_for(starting, DEADLINE_SECONDS)


async def test_it_can_be_stopped_while_it_waits(disk, free):
    free.free = 0
    starting = asyncio.create_task(disk.start())
    await until(lambda: free.looks > 5)
    disk.set_shutdown()
    await asyncio.wait_for(disk.stop(), DEADLINE_SECONDS)
    await asyncio.wait_for(starting, DEADLINE_SECONDS)
