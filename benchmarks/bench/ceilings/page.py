"""Redis alone: the entries of a timeline's first page, by LRANGE from a bare client, beside our own read of them.

    python -m benchmarks.bench.ceilings.page READER

Prints the pages a second of both. Ours notes on the way that the timeline was read.
"""

import sys
from typing import Any

from redis.asyncio import Redis as Client

from benchmarks.bench.ceilings.clients import BARE, OURS, Rates, rate, report
from microblog_streams.config.settings import load_settings
from microblog_streams.stores.redis.address import open_pool
from microblog_streams.stores.redis.connection import MAX_CONNECTIONS, Redis
from microblog_streams.stores.redis.timelines import Timelines, key

#: Entries of a page, and one more that tells of a next page.
LIMIT = 21


async def page(reader: int) -> Rates:
    """Read the head of a reader's timeline."""
    settings = load_settings()
    redis = Redis(settings)
    await redis.connect()
    timelines = Timelines(redis)
    client: Any = Client.from_pool(open_pool(settings, MAX_CONNECTIONS))
    try:
        return {
            BARE: await rate(lambda: client.lrange(key(reader), 0, LIMIT - 1)),
            OURS: await rate(lambda: timelines.older(reader, None, LIMIT)),
        }
    finally:
        await client.aclose()
        await redis.close()


if __name__ == "__main__":
    report(page(int(sys.argv[1])))
