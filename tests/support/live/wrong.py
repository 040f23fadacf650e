"""The application with one thing done wrong at a time, that a call names: what a checker must not be blind to.

Run with ``faust -A`` in place of the package.
"""

from collections.abc import Sequence
from typing import Any, cast

from faust.types.web import Request, Response, View

from microblog_streams.domain.ids import PUBLIC
from microblog_streams.operations.timelines.live import LiveEvent, Reader
from microblog_streams.ports import Check
from microblog_streams.ports.live import Arrival, Change
from microblog_streams.stores.redis.live import LiveLogs
from microblog_streams.stores.redis.timelines import Timelines, key
from tests.support.live.probe import app

_push, _since, _put = Timelines.push, LiveLogs.since, Reader.put


async def drops_a_push(
    self: Timelines,
    users: Sequence[int],
    entry: bytes,
    deadline: float | None = None,
    low_priority: bool = False,
    check: Check | None = None,
) -> int:
    """Leave one follower out of every fan-out, and neither the author nor the public timeline."""
    left_out = next((user for user in users[1:] if user != PUBLIC), None)
    return await _push(self, [user for user in users if user != left_out], entry, deadline, low_priority, check)


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


async def tells_no_posts(self: LiveLogs, user: int, position: str, limit: int) -> Sequence[Arrival] | None:
    """Leave posts out of what happened, both of a signal and of a sweep."""
    return _without(Change.POST, await _since(self, user, position, limit))


async def tells_no_deletions(self: LiveLogs, user: int, position: str, limit: int) -> Sequence[Arrival] | None:
    """Leave deletions out of what happened."""
    return _without(Change.DELETE, await _since(self, user, position, limit))


def tells_twice(self: Reader, event: LiveEvent) -> None:
    """Tell a reader each event twice."""
    _put(self, event)
    _put(self, event)


def _without(change: Change, arrivals: Sequence[Arrival] | None) -> Sequence[Arrival] | None:
    return None if arrivals is None else [arrival for arrival in arrivals if arrival.change is not change]


WRONGS: dict[str, tuple[type, str, object]] = {
    "drop": (Timelines, "push", drops_a_push),
    "double": (Timelines, "push", doubles_a_push),
    "keep": (Timelines, "purge", skips_a_purge),
    "untold": (LiveLogs, "since", tells_no_posts),
    "undeleted": (LiveLogs, "since", tells_no_deletions),
    "told-twice": (Reader, "put", tells_twice),
}
RIGHT = (
    (Timelines, "push", _push),
    (Timelines, "purge", Timelines.purge),
    (LiveLogs, "since", _since),
    (Reader, "put", _put),
)


@app.page("/wrong/{name}/")
async def do_wrong(view: View, request: Request, name: str) -> Response:
    """Do what is named wrong from now on, and all else right; ``nothing``: all."""
    for kind, method, right in RIGHT:
        setattr(kind, method, right)
    if name != "nothing":
        setattr(*WRONGS[name])
    answer: dict[str, Any] = {}
    return view.json(answer)


__all__ = ["app"]
