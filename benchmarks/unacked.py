"""What a worker's memory holds while a partition has as many events finished and not acknowledged as it may have."""

import asyncio
import signal
import time
from typing import Final

from benchmarks.client import Client
from benchmarks.guests import Guest
from benchmarks.memory import memory
from benchmarks.produced import new_posts, publish_posts
from benchmarks.stage import Stage

#: Events beyond the bound: they must wait in Kafka, and in the buffers in front of the partition processor.
BEYOND: Final = 10_000
#: Seconds for which every acknowledgement waits: the longest that the setting takes.
HOLD: Final = "60"
#: Seconds between looks.
LOOK: Final = 0.25


async def held_memory(stage: Stage, guest: Guest, client: Client, author: int) -> dict[str, float]:
    """Start the worker anew with a long hold, and give it more posts of an author than it may hold.

    Return its RSS (MiB) before them and with them, and how many it held: all it may, where it is fast enough for that.
    """
    await guest.leave(signal.SIGTERM)
    guest.settings = {**guest.settings, "ACK_HOLD": HOLD}
    await guest.join()
    before = _rss(guest)
    await publish_posts(stage.settings, new_posts([author] * (stage.settings.unacked + BEYOND)))
    held, end = 0, time.monotonic() + float(HOLD)
    while held < stage.settings.unacked and time.monotonic() < end:
        await asyncio.sleep(LOOK)
        held = await _held(client)
    return {"before": before, "with": _rss(guest), "held": float(held)}


def _rss(guest: Guest) -> float:
    assert guest.child
    return memory({guest.name: guest.child.pid})[guest.name]["rss"]


async def _held(client: Client) -> int:
    (report,) = await client.health()
    return int(report["delivery"]["unacked"])
