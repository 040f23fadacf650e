"""What a worker's memory holds while a partition has as many events finished and not acknowledged as it may have."""

import asyncio
import signal
import time
from datetime import UTC, datetime
from typing import Final

from aiokafka import AIOKafkaProducer

from benchmarks.client import Client
from benchmarks.guests import Guest
from benchmarks.load import CONTENT
from benchmarks.memory import memory
from benchmarks.stage import Stage
from microblog_streams.events import PostCreated
from microblog_streams.ids import new_post_id
from microblog_streams.settings import Settings
from microblog_streams.topics import POST_CREATED, topic_name

#: Events beyond the bound: they must wait in Kafka, and in the buffers in front of the lane.
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
    await _publish(stage.settings, author, stage.settings.unacked + BEYOND)
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


async def _publish(settings: Settings, author: int, count: int) -> None:
    servers = settings.kafka_url.get_secret_value().removeprefix("kafka://")
    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
        for _ in range(count):
            event = PostCreated(post_id=new_post_id(), user_id=author, content=CONTENT, created_at=datetime.now(UTC))
            await producer.send(topic_name(POST_CREATED, 1), event.encode(), event.key)
