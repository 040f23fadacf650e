"""When a post has reached everyone: looked up in Redis, where the workers write, not asked of the workers.

The keys go to the server in batches, each again and again until all of its timelines have the post at their head: one
script a batch, which stops at the first timeline without it. So every timeline is looked at once when it has the
post, and waiting costs the server next to nothing; a look takes it some 0.2 ms for 500 timelines. What is measured
can be too long by one round of looks, about 2 ms, and never too short.
"""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

from benchmarks.expectation import Item
from microblog_streams.domain.ids import encode_entry
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import key

#: Timelines a look.
_BATCH = 500
#: Seconds between looks at a batch that does not have the post yet.
_PAUSE = 0.001
#: Returns how many timelines, from the first on, have the entry at their head.
_LOOK = """
for at, key in ipairs(KEYS) do
  if redis.call('LINDEX', key, 0) ~= ARGV[1] then return at - 1 end
end
return #KEYS
"""


async def until_arrived(redis: Redis, item: Item, people: Sequence[int], deadline: float) -> float:
    """Return the ``time.perf_counter`` when a post, the newest of all, was seen at the head of all timelines.

    Raises TimeoutError after ``deadline`` seconds.
    """
    entry = encode_entry(UUID(item.post_id), item.author)
    end = time.monotonic() + deadline
    at = 0
    while at < len(people):
        keys = [key(person) for person in people[at : at + _BATCH]]
        there = int(await redis.client.eval_ro(_LOOK, len(keys), *keys, entry))
        at += there
        if there < len(keys):
            if time.monotonic() > end:
                raise TimeoutError(f"post {item.post_id} did not reach user {people[at]} within {deadline:.0f} s")
            await asyncio.sleep(_PAUSE)
    return time.perf_counter()
