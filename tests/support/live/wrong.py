"""The application with one thing done wrong, that ``WRONG`` names: what a checker must not be blind to.

Run with ``faust -A`` in place of the package.
"""

import os
from collections.abc import Sequence
from typing import Any, cast

from microblog_streams.ports import Check
from microblog_streams.stores.redis.timelines import Timelines, key
from tests.support.live.probe import app

_push = Timelines.push


async def drops_a_push(
    self: Timelines,
    users: Sequence[int],
    entry: bytes,
    deadline: float | None = None,
    low_priority: bool = False,
    check: Check | None = None,
) -> int:
    """Leave one follower out of every fan-out."""
    return await _push(self, [users[0], *users[2:]], entry, deadline, low_priority, check)


async def doubles_a_push(
    self: Timelines,
    users: Sequence[int],
    entry: bytes,
    deadline: float | None = None,
    low_priority: bool = False,
    check: Check | None = None,
) -> int:
    """Put every entry on one follower's timeline twice."""
    count = await _push(self, users, entry, deadline, low_priority, check)
    if len(users) > 1:
        await cast(Any, app.stores.redis.client.lpush(key(users[0]), entry))
    return count


async def skips_a_purge(self: Timelines, user: int, author: int, deadline: float | None = None) -> bool:
    """Leave everything on the timeline."""
    return True


WRONGS = {"drop": ("push", drops_a_push), "double": ("push", doubles_a_push), "keep": ("purge", skips_a_purge)}
setattr(Timelines, *WRONGS[os.environ["WRONG"]])

__all__ = ["app"]
